"""Clients with what they own, the figures of the whole installation, and its growth."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_clients(
    session: Session, *, client_id: str | None = None, limit: int, offset: int = 0
) -> list[Row]:
    """Return a page of clients, newest first, with their agents and instances counted."""
    params = {"client_id": client_id, "limit": limit, "offset": offset}
    return session.rows(_SQL["list_clients"], params)


def count_clients(session: Session) -> Row:
    """Return how many clients there are (``total``) and how many may call (``active``)."""
    return session.row(_SQL["count_clients"]) or {}


def count_switches(session: Session, *, client_id: str | None, since: datetime) -> Row:
    """Return completed switches: total, manual, model, and recent (since an instant)."""
    params = {"client_id": client_id, "since": since}
    return session.row(_SQL["count_switches"], params) or {}


def count_fleet(session: Session, *, prices_since: datetime) -> Row:
    """Return how many agents there are, and how many pools have a fresh price."""
    return session.row(_SQL["count_fleet"], {"prices_since": prices_since}) or {}


def list_client_changes(session: Session, *, since: datetime) -> list[Row]:
    """Return when clients came, went, were suspended and resumed, newest first."""
    return session.rows(_SQL["list_client_changes"], {"since": since})
