"""Versions of models and the uploads that brought them."""

from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_session(session: Session, values: Params) -> None:
    """Store an upload: ``session_id session_type file_count file_names`` (JSON text) and so on."""
    session.run(_SQL["insert_session"], values)


def insert_model(session: Session, values: Params) -> None:
    """Store a version; hashes are hex, ``manifest`` is JSON text.

    Raises:
        UniqueViolation: the version exists already (``model_registry_version_uq``).
    """
    session.run(_SQL["insert_model"], values)


def set_verified(session: Session, values: Params) -> int:
    """Note what is scored, and the completed manifest; 0 unless the version was ``uploaded``."""
    return session.run(_SQL["set_verified"], values)


def reject_session(session: Session, session_id: str, rejection: str, now: datetime) -> int:
    """Reject every version of an upload that is neither live nor the fallback."""
    return session.run(
        _SQL["reject_session"],
        {"session_id": session_id, "rejection": rejection[:1000], "now": now},
    )


def reject_abandoned(session: Session, before: datetime, now: datetime) -> int:
    """Reject what has been ``uploaded`` since before ``before`` without ever being verified."""
    return session.run(_SQL["reject_abandoned"], {"before": before, "now": now})


def set_status(session: Session, model_id: str, before: str, after: str, now: datetime) -> int:
    """Compare and set; 0 when the version no longer has the status ``before``."""
    return session.run(
        _SQL["set_status"], {"model_id": model_id, "before": before, "after": after, "now": now}
    )


def mark_activated(session: Session, session_id: str, now: datetime) -> None:
    """Note when an upload went live."""
    session.run(_SQL["mark_activated"], {"session_id": session_id, "now": now})


def find_session(session: Session, session_id: str) -> Row | None:
    """Return an upload."""
    return session.row(_SQL["find_session"], {"session_id": session_id})


def list_sessions(session: Session, *, with_history: bool) -> list[Row]:
    """Return uploads, newest first, at most 10 (100 with history), flags included."""
    statement = _SQL["list_all_sessions"] if with_history else _SQL["list_sessions"]
    return [_with_names(row) for row in session.rows(statement)]


def list_session_models(session: Session, session_id: str) -> list[Row]:
    """Return the versions of one upload, by engine kind."""
    return _models(session.rows(_SQL["list_session_models"], {"session_id": session_id}))


def list_models(session: Session) -> list[Row]:
    """Return the versions, newest first, at most 200."""
    return _models(session.rows(_SQL["list_models"]))


def list_serving(session: Session) -> list[Row]:
    """Return the versions that are live or the fallback."""
    return _models(session.rows(_SQL["list_serving"]))


def find_live(session: Session, engine_kind: str) -> Row | None:
    """Return the live version of a kind: one row, by its unique key."""
    rows = _models(session.rows(_SQL["find_live"], {"engine_kind": engine_kind}))
    return rows[0] if rows else None


def find_live_id(session: Session, engine_kind: str) -> str | None:
    """Return the id of the live version: what nodes ask every two seconds."""
    row = session.row(_SQL["find_live_id"], {"engine_kind": engine_kind})
    return str(row["id"]) if row else None


def _models(rows: list[Row]) -> list[Row]:
    return [{**row, "manifest": _parsed(row["manifest"])} for row in rows]


def _with_names(row: Row) -> Row:
    return {**row, "file_names": _parsed(row["file_names"])}


def _parsed(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
