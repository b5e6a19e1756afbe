"""Messages to channels: gathered, claimed, settled, and kept as a log."""

from datetime import datetime, timedelta

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_waiting_channels(
    session: Session, *, since: datetime, overlap: timedelta, limit: int
) -> list[Row]:
    """Return channels for which notifications wait, those that wait longest first."""
    params = {"since": since, "overlap_seconds": int(overlap.total_seconds()), "limit": limit}
    return session.rows(_SQL["list_waiting_channels"], params)


def find_collecting(session: Session, channel_id: str) -> Row | None:
    """Return the batch that a channel gathers."""
    return session.row(_SQL["find_collecting"], {"channel_id": channel_id})


def insert_delivery(
    session: Session,
    *,
    delivery_id: str,
    channel_id: str,
    status: str,
    next_attempt_at: datetime,
    now: datetime,
    lease_owner: str | None = None,
    lease_until: datetime | None = None,
) -> None:
    """Add a message; with a lease it is a test that is being sent right now."""
    session.run(
        _SQL["insert_delivery"],
        {
            "delivery_id": delivery_id,
            "channel_id": channel_id,
            "status": status,
            "is_test": lease_owner is not None,
            "attempts": 1 if lease_owner else 0,
            "next_attempt_at": next_attempt_at,
            "lease_owner": lease_owner,
            "lease_until": lease_until,
            "now": now,
        },
    )


def add_items(tx: Transaction, delivery_id: str, values: Params) -> int | None:
    """Put what waits into a batch; return how many, None when the batch is being sent already."""
    if not tx.run(_SQL["hold_collecting"], {"delivery_id": delivery_id}):
        return None
    count = tx.run(_SQL["insert_items"], {**values, "delivery_id": delivery_id})
    tx.run(_SQL["grow_delivery"], {"delivery_id": delivery_id, "count": count})
    return count


def list_due(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Return messages that should be tried now, the longest due first."""
    rows = session.rows(_SQL["list_due"], {"now": now, "limit": limit})
    return [str(row["id"]) for row in rows]


def claim_delivery(
    session: Session, delivery_id: str, *, lease_owner: str, lease_until: datetime, now: datetime
) -> bool:
    """Take a message for an attempt; False when somebody else has it."""
    params = {
        "delivery_id": delivery_id,
        "lease_owner": lease_owner,
        "lease_until": lease_until,
        "now": now,
    }
    return session.run(_SQL["claim_delivery"], params) > 0


def find_claimed(session: Session, delivery_id: str, lease_owner: str) -> Row | None:
    """Return a message that was claimed, with its channel."""
    params = {"delivery_id": delivery_id, "lease_owner": lease_owner}
    return session.row(_SQL["find_claimed"], params)


def list_items(session: Session, delivery_id: str, *, limit: int) -> list[Row]:
    """Return the gravest notifications of a message."""
    return session.rows(_SQL["list_items"], {"delivery_id": delivery_id, "limit": limit})


def settle_delivery(session: Session, values: Params) -> bool:
    """Note how an attempt ended; False when the lease was lost meanwhile."""
    return session.run(_SQL["settle_delivery"], values) > 0


def end_open(session: Session, channel_id: str, reason: str, now: datetime) -> None:
    """Give up what waits for a channel."""
    session.run(_SQL["end_open"], {"channel_id": channel_id, "reason": reason, "now": now})


def end_lost_tests(session: Session, reason: str, now: datetime) -> None:
    """Give up tests whose process died."""
    session.run(_SQL["end_lost_tests"], {"reason": reason, "now": now})


def list_deliveries(
    session: Session, channel_id: str, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return a page of a channel's log, newest first, and how long it is."""
    params = {"channel_id": channel_id, "limit": limit, "offset": offset}
    total = session.row(_SQL["count_deliveries"], params)
    return session.rows(_SQL["list_deliveries"], params), int(total["total"]) if total else 0


def count_by_status(session: Session) -> dict[str, int]:
    """Return how many messages are where."""
    rows = session.rows(_SQL["count_by_status"])
    return {str(row["status"]): int(row["deliveries"]) for row in rows}
