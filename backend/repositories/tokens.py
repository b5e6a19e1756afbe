"""Client tokens: rows of ``client_tokens``. A token's text never reaches the database."""

from datetime import datetime

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_token(session: Session, token_hash: str) -> Row | None:
    """Return a token with its client, by the hex SHA-256 of its text."""
    return session.row(_SQL["find_token"], {"token_hash": token_hash})


def touch_token(session: Session, token_id: str, *, now: datetime, before: datetime) -> None:
    """Note the use of a token, unless a use after ``before`` is noted already."""
    session.run(_SQL["touch_token"], {"token_id": token_id, "now": now, "before": before})


def insert_token(session: Session, token: Params) -> None:
    """Store a new token.

    Args:
        session: Where.
        token: ``token_id client_id name scope token_hash`` (hex) ``token_hint expires_at now``.
    """
    session.run(_SQL["insert_token"], token)


def list_tokens(session: Session, client_id: str) -> list[Row]:
    """Return a client's tokens, newest first, at most 200."""
    return session.rows(_SQL["list_tokens"], {"client_id": client_id})


def find_current_token(session: Session, client_id: str, name: str, now: datetime) -> Row | None:
    """Return the newest token of that name which is neither revoked nor expired."""
    return session.row(
        _SQL["find_current_token"], {"client_id": client_id, "name": name, "now": now}
    )


def revoke_token(session: Session, client_id: str, token_id: str, now: datetime) -> int:
    """Revoke a token for good; return 0 when the client has no such token."""
    return session.run(
        _SQL["revoke_token"], {"client_id": client_id, "token_id": token_id, "now": now}
    )


def limit_tokens(session: Session, client_id: str, name: str, until: datetime) -> int:
    """Let a client's living tokens of that name expire at ``until`` at the latest."""
    return session.run(_SQL["limit_tokens"], {"client_id": client_id, "name": name, "until": until})
