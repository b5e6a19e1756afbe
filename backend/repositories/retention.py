"""Rows that have outlived their retention."""

from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def purge_expired(session: Session, *, now: datetime, max_rows: int) -> int:
    """Delete at most ``max_rows`` expired rows over all tables; return how many there were.

    Sealed: needs an autocommit session. Fewer than ``max_rows`` means that nothing is left.
    """
    session.call(_SQL["purge_expired"], {"now": now, "max_rows": max_rows})
    row = session.row(_SQL["read_deleted_count"])
    return int(row["row_count"]) if row else 0
