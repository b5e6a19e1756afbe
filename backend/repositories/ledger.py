"""The ledger's rows, their corrections, and which hours are closed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_rows(
    session: Session, agents: Sequence[str], *, since: datetime, until: datetime
) -> list[Row]:
    """Return the ledger of some agents in [since, until), by agent and time."""
    params = {"agents": _json(agents), "since": since, "until": until}
    return session.rows(_SQL["list_rows"], params)


def delete_hours(session: Session, hours: Sequence[tuple[str, datetime]]) -> None:
    """Delete the rows of agents and hours."""
    session.run(_SQL["delete_hours"], {"hours": _json([{"a": a, "h": h} for a, h in hours])})


def insert_rows(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Insert rows with the columns of ``cost_records`` but the client; return how many."""
    return session.run(_SQL["insert_rows"], {"rows": _json(rows)})


def insert_corrections(
    session: Session, corrections: Sequence[Mapping[str, object]], *, now: datetime
) -> None:
    """Insert corrections: ``agent_id``, ``hour_at``, ``reason``, sums before and after."""
    params = {"corrections": _json(corrections), "now": now}
    session.run(_SQL["insert_corrections"], params)


def list_estimated(
    session: Session, hours: Sequence[datetime], *, limit: int
) -> list[tuple[datetime, str]]:
    """Return hours and agents that rest on a missing or guessed price, newest hours first."""
    rows = session.rows(_SQL["list_estimated"], {"hours": _json(hours), "limit": limit})
    return [(row["hour_at"], row["agent_id"]) for row in rows]


def find_last_closed(session: Session) -> datetime | None:
    """Return the newest hour that is closed for the whole fleet, or None."""
    row = session.row(_SQL["find_last_closed"])
    return row["hour_at"] if row else None


def mark_closed(session: Session, hours: Sequence[datetime], *, now: datetime) -> None:
    """Note that hours are closed. Idempotent."""
    session.run(_SQL["mark_closed"], {"hours": _json(hours), "now": now})


def _json(value: object) -> str:
    return orjson.dumps(value, default=_spell, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _spell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    if isinstance(value, Decimal):
        return str(value)
    msg = f"the ledger has no {type(value).__name__}"
    raise TypeError(msg)
