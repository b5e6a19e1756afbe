"""Interruption events that nobody brought to an end."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def expire_rebalances(session: Session, *, received_before: datetime, now: datetime) -> int:
    """Stand down rebalance signals that are as old as that; return how many."""
    params = {"received_before": received_before, "now": now}
    return session.run(_SQL["expire_rebalances"], params)


def list_overdue(
    session: Session, *, received_before: datetime, deadline_before: datetime
) -> list[Row]:
    """Return open notices and losses that should have come to an end long ago, oldest first."""
    return session.rows(
        _SQL["list_overdue"],
        {"received_before": received_before, "deadline_before": deadline_before},
    )


def close_events(tx: Transaction, endings: Sequence[Params], *, now: datetime) -> int:
    """Close open events (event_id, status, reason each); return how many were open."""
    if not endings:
        return 0
    return tx.run(_SQL["close_events"], {"endings": orjson.dumps(endings).decode(), "now": now})
