"""What was saved: sums of the ledger, its rows and its corrections."""

from datetime import date, datetime
from decimal import Decimal

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_totals(session: Session, client_id: str | None = None) -> list[Row]:
    """Return baseline, cost and savings in USD since ever, by client; one without is absent."""
    return session.rows(_SQL["list_totals"], {"client_id": client_id})


def sum_client(session: Session, client_id: str, *, since: date) -> Decimal:
    """Return USD that a client has saved on the days since then."""
    row = session.row(_SQL["sum_client"], {"client_id": client_id, "since": since})
    return row["savings_usd"] if row else Decimal(0)


def sum_agent(session: Session, client_id: str, agent_id: str, *, since: date) -> Row:
    """Return ``total_usd`` and ``recent_usd`` that an agent has saved."""
    params = {"client_id": client_id, "agent_id": agent_id, "since": since}
    return session.row(_SQL["sum_agent"], params) or {}


def sum_instance(
    session: Session, client_id: str, agent_id: str, instance_id: str, *, since: date
) -> Row:
    """Return ``total_usd`` and ``recent_usd`` that an instance of an agent has saved."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "since": since,
    }
    return session.row(_SQL["sum_instance"], params) or {}


def list_months(session: Session, client_id: str | None, *, limit: int) -> list[Row]:
    """Return the newest months that have anything, newest first; None is all clients."""
    return session.rows(_SQL["list_months"], {"client_id": client_id, "limit": limit})


def list_days(
    session: Session, client_id: str | None, *, since: date, limit: int, offset: int = 0
) -> list[Row]:
    """Return days that have anything, newest first; None is all clients."""
    params = {"client_id": client_id, "since": since, "limit": limit, "offset": offset}
    return session.rows(_SQL["list_days"], params)


def count_days(session: Session, client_id: str) -> int:
    """Return how many days of a client have anything."""
    row = session.row(_SQL["count_days"], {"client_id": client_id})
    return int(row["total"]) if row else 0


def list_agent_days(
    session: Session, client_id: str | None, agent_id: str, *, since: date, limit: int
) -> list[Row]:
    """Return days of one agent, newest first."""
    params = {"client_id": client_id, "agent_id": agent_id, "since": since, "limit": limit}
    return session.rows(_SQL["list_agent_days"], params)


def list_agents(
    session: Session, client_id: str | None, *, since: date, limit: int, offset: int
) -> list[Row]:
    """Return what agents have saved on the days since then, those that saved most first."""
    params = {"client_id": client_id, "since": since, "limit": limit, "offset": offset}
    return session.rows(_SQL["list_agents"], params)


def count_agents(session: Session, client_id: str | None, *, since: date) -> int:
    """Return how many agents have anything on the days since then."""
    row = session.row(_SQL["count_agents"], {"client_id": client_id, "since": since})
    return int(row["total"]) if row else 0


def list_rows(
    session: Session,
    client_id: str,
    *,
    since: datetime,
    until: datetime,
    limit: int,
    offset: int,
) -> list[Row]:
    """Return a client's rows of the ledger in [since, until), by instance and time."""
    params = {
        "client_id": client_id,
        "since": since,
        "until": until,
        "limit": limit,
        "offset": offset,
    }
    return session.rows(_SQL["list_rows"], params)


def count_rows(session: Session, client_id: str, *, since: datetime, until: datetime) -> int:
    """Return how many rows of the ledger a client has in [since, until)."""
    params = {"client_id": client_id, "since": since, "until": until}
    row = session.row(_SQL["count_rows"], params)
    return int(row["total"]) if row else 0


def list_agent_rows(
    session: Session,
    client_id: str | None,
    agent_id: str,
    *,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Row]:
    """Return one agent's rows of the ledger in [since, until), in order of time."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "since": since,
        "until": until,
        "limit": limit,
    }
    return session.rows(_SQL["list_agent_rows"], params)


def list_corrections(session: Session, client_id: str | None, *, limit: int) -> list[Row]:
    """Return hours that were booked anew, the newest first."""
    return session.rows(_SQL["list_corrections"], {"client_id": client_id, "limit": limit})


def count_modes(session: Session, client_id: str) -> list[Row]:
    """Return how many running instances of a client are paid for in which ``mode``."""
    return session.rows(_SQL["count_modes"], {"client_id": client_id})


def count_switches_by_day(session: Session, client_id: str, *, since: datetime) -> list[Row]:
    """Return a client's completed switches on each day since then, oldest first."""
    params = {"client_id": client_id, "since": since}
    return session.rows(_SQL["count_switches_by_day"], params)
