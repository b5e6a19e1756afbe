"""What happened in the fleet, and who did what."""

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_activity(session: Session, *, client_id: str | None, limit: int) -> list[Row]:
    """Return the newest events that are no errors."""
    return session.rows(_SQL["list_activity"], {"client_id": client_id, "limit": limit})


def list_audit_entries(
    session: Session,
    *,
    client_id: str | None,
    action: str | None,
    subject_id: str | None,
    before_id: int | None,
    limit: int,
) -> list[Row]:
    """Return audit entries older than ``before_id`` (None: the newest), newest first."""
    params = {
        "client_id": client_id,
        "action": action,
        "subject_id": subject_id,
        "before_id": before_id,
        "limit": limit,
    }
    return session.rows(_SQL["list_audit_entries"], params)
