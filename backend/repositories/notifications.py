"""Notifications as people read them. Writing them: ``events.notify``."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_for_operator(
    session: Session, *, client_id: str | None, unread_only: bool, limit: int
) -> list[Row]:
    """Return the newest notifications of all tenants, or of one and of nobody in particular."""
    params = {"client_id": client_id, "unread_only": unread_only, "limit": limit}
    return session.rows(_SQL["list_for_operator"], params)


def list_for_client(
    session: Session, *, client_id: str, unread_only: bool, limit: int
) -> list[Row]:
    """Return the newest notifications of one tenant."""
    params = {"client_id": client_id, "unread_only": unread_only, "limit": limit}
    return session.rows(_SQL["list_for_client"], params)


def find_notification(session: Session, client_id: str | None, notification_id: int) -> Row | None:
    """Return whose it is and whether it was read; None tenant: any."""
    params = {"client_id": client_id, "notification_id": notification_id}
    return session.row(_SQL["find_notification"], params)


def mark_read(session: Session, notification_id: int) -> None:
    """Note that somebody has seen it. Idempotent."""
    session.run(_SQL["mark_read"], {"notification_id": notification_id})


def mark_all_read(session: Session, client_id: str | None, *, now: datetime, limit: int) -> int:
    """Note that everything up to now was seen, at most ``limit`` rows; return how many."""
    params = {"client_id": client_id, "now": now, "limit": limit}
    return session.run(_SQL["mark_all_read"], params)
