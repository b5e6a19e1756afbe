"""What the health page asks the database."""

from datetime import datetime
from typing import Any

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def read_server(session: Session) -> dict[str, Any]:
    """Return the database's ``now`` and whether its ``event_scheduler`` is on."""
    row = session.row(_SQL["read_server"])
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return row


def find_last_job_start(session: Session) -> datetime | None:
    """Return when any background job last started, or None when none ever did."""
    row = session.row(_SQL["find_last_job_start"])
    return row["started_at"] if row else None
