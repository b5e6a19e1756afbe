"""Operators, their browser sessions and their API keys."""

from datetime import datetime

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_operator(session: Session, operator: Params) -> None:
    """Store a new operator: ``operator_id username password_hash role now``.

    Raises:
        UniqueViolation: the name is taken (constraint ``operators_username_uq``).
    """
    session.run(_SQL["insert_operator"], operator)


def find_operator(session: Session, operator_id: str) -> Row | None:
    """Return an operator by id."""
    return session.row(_SQL["find_operator"], {"operator_id": operator_id})


def find_by_username(session: Session, username: str) -> Row | None:
    """Return an operator, with password hash and lock, by name."""
    return session.row(_SQL["find_by_username"], {"username": username})


def list_operators(session: Session) -> list[Row]:
    """Return the operators by name, at most 500."""
    return session.rows(_SQL["list_operators"])


def claim_active_admins(session: Session, now: datetime) -> list[str]:
    """Return the ids of all active admins, locked until the transaction ends.

    So two admins cannot disable each other at the same moment.
    """
    session.run(_SQL["claim_active_admins"], {"now": now})
    return [row["id"] for row in session.rows(_SQL["list_active_admins"])]


def count_operators(session: Session) -> int:
    """Return how many operators exist."""
    row = session.row(_SQL["count_operators"])
    return int(row["number"]) if row else 0


def update_operator(
    session: Session, operator_id: str, *, role: str, is_active: bool, now: datetime
) -> None:
    """Set an operator's role and whether they may sign in."""
    session.run(
        _SQL["update_operator"],
        {"operator_id": operator_id, "role": role, "is_active": is_active, "now": now},
    )


def set_password(session: Session, operator_id: str, password_hash: str, now: datetime) -> None:
    """Replace a password and lift a lock."""
    session.run(
        _SQL["set_password"],
        {"operator_id": operator_id, "password_hash": password_hash, "now": now},
    )


def delete_operator(session: Session, operator_id: str) -> int:
    """Delete an operator with sessions and keys; return 0 when there is none."""
    return session.run(_SQL["delete_operator"], {"operator_id": operator_id})


def note_sign_in(session: Session, operator_id: str, now: datetime) -> None:
    """Note a successful sign-in and forget earlier failures."""
    session.run(_SQL["note_sign_in"], {"operator_id": operator_id, "now": now})


def note_failure(
    session: Session, operator_id: str, *, limit: int, locked_until: datetime, now: datetime
) -> None:
    """Count a failed sign-in; the failure number ``limit`` locks and starts a new count."""
    session.run(
        _SQL["note_failure"],
        {"operator_id": operator_id, "limit": limit, "locked_until": locked_until, "now": now},
    )


def insert_session(session: Session, values: Params) -> None:
    """Store a browser session: ``session_id operator_id token_hash now expires_at`` and origin."""
    session.run(_SQL["insert_session"], values)


def find_session(session: Session, token_hash: str) -> Row | None:
    """Return a browser session with its operator."""
    return session.row(_SQL["find_session"], {"token_hash": token_hash})


def touch_session(session: Session, session_id: str, now: datetime) -> None:
    """Note that a session was used."""
    session.run(_SQL["touch_session"], {"session_id": session_id, "now": now})


def delete_session(session: Session, token_hash: str) -> None:
    """End one browser session."""
    session.run(_SQL["delete_session"], {"token_hash": token_hash})


def delete_sessions_of(session: Session, operator_id: str) -> None:
    """End all browser sessions of an operator."""
    session.run(_SQL["delete_sessions_of"], {"operator_id": operator_id})


def delete_expired_sessions(session: Session, operator_id: str, now: datetime) -> None:
    """Forget an operator's sessions that are over."""
    session.run(_SQL["delete_expired_sessions"], {"operator_id": operator_id, "now": now})


def insert_api_key(session: Session, values: Params) -> None:
    """Store an API key: ``key_id operator_id name key_hash key_hint expires_at now``."""
    session.run(_SQL["insert_api_key"], values)


def find_api_key(session: Session, key_hash: str) -> Row | None:
    """Return an API key with its operator."""
    return session.row(_SQL["find_api_key"], {"key_hash": key_hash})


def list_api_keys(session: Session, operator_id: str | None) -> list[Row]:
    """Return the API keys of one operator, or of all, newest first, at most 500."""
    return session.rows(_SQL["list_api_keys"], {"operator_id": operator_id})


def revoke_api_key(session: Session, key_id: str, operator_id: str | None, now: datetime) -> int:
    """Revoke a key of one operator, or of anybody; return 0 when there is no such key."""
    return session.run(
        _SQL["revoke_api_key"], {"key_id": key_id, "operator_id": operator_id, "now": now}
    )


def touch_api_key(session: Session, key_id: str, *, now: datetime, before: datetime) -> None:
    """Note the use of a key, unless a use after ``before`` is noted already."""
    session.run(_SQL["touch_api_key"], {"key_id": key_id, "now": now, "before": before})
