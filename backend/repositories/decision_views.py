"""What people are shown beside the decisions: agents, their price reports, their events."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_agents(session: Session, client_id: str, *, limit: int, offset: int) -> list[Row]:
    """Return a page of a client's agents, online ones first, then by name."""
    return session.rows(
        _SQL["list_agents"], {"client_id": client_id, "limit": limit, "offset": offset}
    )


def list_reports(
    session: Session, agent_ids: Sequence[str], *, since: datetime, fresh_since: datetime
) -> list[Row]:
    """Return at most five price reports of each agent, with the count since ``fresh_since``."""
    params = {"agents": _json(agent_ids), "since": since, "fresh_since": fresh_since}
    return session.rows(_SQL["list_reports"], params)


def list_events(session: Session, agent_ids: Sequence[str], *, since: datetime) -> list[Row]:
    """Return at most five events of each agent since an instant, newest first."""
    return session.rows(_SQL["list_events"], {"agents": _json(agent_ids), "since": since})


def _json(agent_ids: Sequence[str]) -> str:
    return orjson.dumps(list(agent_ids)).decode()
