"""Clients, the tenants."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_client(
    session: Session, *, client_id: str, name: str, email: str | None, now: datetime
) -> None:
    """Store a new client, active.

    Raises:
        UniqueViolation: the name is taken (constraint ``clients_name_uq``).
    """
    session.run(
        _SQL["insert_client"], {"client_id": client_id, "name": name, "email": email, "now": now}
    )


def find_client(session: Session, client_id: str) -> Row | None:
    """Return a client by id."""
    return session.row(_SQL["find_client"], {"client_id": client_id})


def list_clients(session: Session) -> list[Row]:
    """Return the clients by name with their numbers of agents, at most 1000."""
    return session.rows(_SQL["list_clients"])


def find_client_id(session: Session, name_or_id: str) -> str | None:
    """Return the id of the client that has this name or id; ids win."""
    row = session.row(_SQL["find_client_id"], {"name_or_id": name_or_id})
    return row["id"] if row else None


def set_status(session: Session, client_id: str, status: str, now: datetime) -> int:
    """Set a client's status; return 0 when there is no such client."""
    return session.run(_SQL["set_status"], {"client_id": client_id, "status": status, "now": now})


def delete_client(session: Session, client_id: str) -> int:
    """Delete a client and everything of theirs; return 0 when there is no such client."""
    return session.run(_SQL["delete_client"], {"client_id": client_id})
