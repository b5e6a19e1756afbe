"""Agents as people read them: lists by sign of life, health, and figures of one agent."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_agents(
    session: Session,
    *,
    client_id: str | None,
    status: str | None = None,
    include_deleted: bool = False,
    by_status: bool = False,
    limit: int,
    offset: int = 0,
) -> list[Row]:
    """Return a page of agents, those heard last first.

    Args:
        session: Any session.
        client_id: The tenant; None for every tenant's agents (operators).
        status: Only agents with this status.
        include_deleted: Whether deleted agents are listed too.
        by_status: Whether online agents come first, then offline, then deleted ones.
        limit: The most rows to return.
        offset: How many rows to pass over.
    """
    return session.rows(
        _SQL["list_agents"],
        {
            "client_id": client_id,
            "status": status,
            "include_deleted": include_deleted,
            "by_status": by_status,
            "limit": limit,
            "offset": offset,
        },
    )


def count_agents(
    session: Session,
    *,
    client_id: str | None,
    status: str | None = None,
    include_deleted: bool = False,
) -> int:
    """Return how many agents ``list_agents`` would list in all."""
    params = {"client_id": client_id, "status": status, "include_deleted": include_deleted}
    row = session.row(_SQL["count_agents"], params)
    return int(row["agent_count"]) if row else 0


def count_health(session: Session, *, client_id: str | None, silent_before: datetime) -> Row:
    """Return how many agents are online, offline, disabled, in conflict, and silent."""
    params = {"client_id": client_id, "silent_before": silent_before}
    return session.row(_SQL["count_health"], params) or {}


def count_switches(session: Session, agent_id: str) -> list[Row]:
    """Return the number of an agent's switches for each status and cause."""
    return session.rows(_SQL["count_switches"], {"agent_id": agent_id})


def summarise_health(
    session: Session, agent_id: str, *, since: datetime, silent_seconds: int
) -> Row:
    """Return means of an agent's vitals, and how many samples found it silent."""
    params = {"agent_id": agent_id, "since": since, "silent_seconds": silent_seconds}
    return session.row(_SQL["summarise_health"], params) or {}


def count_price_reports(session: Session, agent_id: str, *, since: datetime) -> Row:
    """Return how many price reports came since an instant, and when the last one did."""
    params = {"agent_id": agent_id, "since": since}
    return session.row(_SQL["count_price_reports"], params) or {}
