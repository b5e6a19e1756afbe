"""What the status page shows: bounded lists over all tenants, with their names."""

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def count_fleet(session: Session) -> Row:
    """Return how many clients, agents, instances, open commands and open switches there are."""
    return session.row(_SQL["count_fleet"]) or {}


def list_agents(
    session: Session,
    *,
    status: str | None,
    pattern: str | None,
    sort: str,
    limit: int,
    offset: int,
) -> list[Row]:
    """Return a page of agents that are not deleted.

    Args:
        session: Any session.
        status: Only agents with this status.
        pattern: Only agents whose name, client or primary is like it, as ``like_pattern`` makes it.
        sort: ``name``, ``status``, ``seen`` or ``price``.
        limit: The most rows to return.
        offset: How many rows to pass over.
    """
    params = {
        "status": status,
        "pattern": pattern,
        "sort": sort,
        "limit": limit,
        "offset": offset,
    }
    return session.rows(_SQL["list_agents"], params)


def list_open_commands(session: Session, *, limit: int) -> list[Row]:
    """Return commands that wait or are handed out, most urgent first."""
    return session.rows(_SQL["list_open_commands"], {"limit": limit})


def list_jobs(session: Session, *, limit: int) -> list[Row]:
    """Return each job's last run."""
    return session.rows(_SQL["list_jobs"], {"limit": limit})


def list_notifications(session: Session, *, limit: int) -> list[Row]:
    """Return what somebody should see, newest first."""
    return session.rows(_SQL["list_notifications"], {"limit": limit})
