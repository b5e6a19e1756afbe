"""What the ledger is made from: instances, replacements, interruptions and prices."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_agents(
    session: Session, *, after: str, since: datetime, until: datetime, limit: int
) -> list[str]:
    """Return ids of agents beyond ``after`` that may have cost something in [since, until)."""
    params = {"after": after, "since": since, "until": until, "limit": limit}
    return [row["id"] for row in session.rows(_SQL["list_agents"], params)]


def find_first_agent(session: Session) -> datetime | None:
    """Return when the oldest agent was made, or None when there is none."""
    row = session.row(_SQL["find_first_agent"])
    return row["created_at"] if row else None


def list_stays(
    session: Session, agents: Sequence[str], *, since: datetime, until: datetime
) -> list[Row]:
    """Return the instances of agents that may have run in [since, until)."""
    params = {"agents": _json(agents), "since": since, "until": until}
    return session.rows(_SQL["list_stays"], params)


def list_takeovers(session: Session, agents: Sequence[str], *, since: datetime) -> list[Row]:
    """Return who replaced whom as these agents' primary since an instant."""
    params = {"agents": _json(agents), "since": since}
    return session.rows(_SQL["list_takeovers"], params)


def list_ends(session: Session, agents: Sequence[str]) -> list[Row]:
    """Return notices and proved losses of these agents' instances, one of a kind for each."""
    return session.rows(_SQL["list_ends"], {"agents": _json(agents)})


def find_pools(session: Session, wanted: Sequence[tuple[str, str, str, str]]) -> dict[int, int]:
    """Return pool ids by place in ``wanted``: client, region, instance type, zone."""
    pools = [
        {"n": n, "c": client, "r": region, "t": instance_type, "z": az}
        for n, (client, region, instance_type, az) in enumerate(wanted)
    ]
    rows = session.rows(_SQL["find_pools"], {"pools": _json(pools)})
    return {row["place"]: row["pool_id"] for row in rows}


def list_spot_points(
    session: Session, wanted: Sequence[tuple[str, int]], *, since: datetime, until: datetime
) -> list[Row]:
    """Return price points by place in ``wanted`` (client, pool); of one instant, the last counts."""
    pools = [{"n": n, "c": client, "p": pool} for n, (client, pool) in enumerate(wanted)]
    params = {"pools": _json(pools), "since": since, "until": until}
    return session.rows(_SQL["list_spot_points"], params)


def list_ondemand_points(
    session: Session,
    wanted: Sequence[tuple[str, str, str]],
    *,
    since: datetime,
    until: datetime,
) -> list[Row]:
    """Return price points by place in ``wanted``: client, region, instance type."""
    types = [
        {"n": n, "c": client, "r": region, "t": instance_type}
        for n, (client, region, instance_type) in enumerate(wanted)
    ]
    params = {"types": _json(types), "since": since, "until": until}
    return session.rows(_SQL["list_ondemand_points"], params)


def list_touched(
    session: Session, *, changed_after: datetime, oldest: datetime
) -> dict[str, datetime]:
    """Return since when the past of agents has changed, for changes after an instant.

    Args:
        session: Any session.
        changed_after: Older changes are in the books.
        oldest: Nothing is told of orders, notices and replicas from before.
    """
    params = {"changed_after": changed_after, "oldest": oldest}
    return {row["agent_id"]: row["from_at"] for row in session.rows(_SQL["list_touched"], params)}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
