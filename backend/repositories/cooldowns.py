"""Troubles with pools, and the rest that each of them costs the pool."""

from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def record_trouble(
    session: Session,
    *,
    client_id: str,
    pool_id: int,
    reason: str,
    source_key: str,
    occurred_at: datetime,
    ends_at: datetime,
) -> None:
    """Keep an interruption, a rebalance recommendation or a capacity error. Idempotent.

    Args:
        session: Any session; usually the transaction that records the event itself.
        client_id: Who met it.
        pool_id: Number of the pool.
        reason: interruption, rebalance or capacity.
        source_key: Names the cause (a notice, a launch): with client, pool and reason it makes
            a repeat the same row.
        occurred_at: When it happened.
        ends_at: Until when the pool rests for this client.

    Raises:
        ForeignKeyViolation: there is no such client or pool.
    """
    session.run(
        _SQL["record_trouble"],
        {
            "client_id": client_id,
            "pool_id": pool_id,
            "reason": reason,
            "source_key": source_key,
            "occurred_at": occurred_at,
            "ends_at": ends_at,
        },
    )


def list_cooling_pools(session: Session, client_id: str, now: datetime) -> dict[int, datetime]:
    """Return until when pools rest for a client, by the pools' numbers."""
    rows = session.rows(_SQL["list_cooling_pools"], {"client_id": client_id, "now": now})
    return {int(row["pool_id"]): row["ends_at"] for row in rows}


def find_pool(session: Session, client_id: str, *, instance_type: str, az: str) -> int | None:
    """Return the number of the pool that a client means by these names, None if it is unknown."""
    row = session.row(
        _SQL["find_pool"], {"client_id": client_id, "instance_type": instance_type, "az": az}
    )
    return int(row["pool_id"]) if row else None
