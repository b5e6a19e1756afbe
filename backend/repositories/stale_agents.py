"""Agents that are not heard any more."""

from datetime import datetime, timedelta

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def mark_stale_agents(
    session: Session, *, now: datetime, timeout: timedelta, offline_confirm: timedelta
) -> int:
    """Mark silent agents offline, with an event and a notification each; return how many.

    Sealed: needs an autocommit session. Both durations count in whole seconds.
    """
    session.call(
        _SQL["mark_stale_agents"],
        {
            "now": now,
            "timeout_seconds": int(timeout.total_seconds()),
            "confirm_seconds": int(offline_confirm.total_seconds()),
        },
    )
    row = session.row(_SQL["read_marked_count"])
    return int(row["row_count"]) if row else 0
