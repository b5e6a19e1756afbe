"""How reliable and how risky pools are, as each client sees them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def refresh_pool_reliability(session: Session, *, now: datetime) -> int:
    """Refresh the present day and hour of every pool in use; return how many pools.

    Sealed: needs an autocommit session. Idempotent.
    """
    session.call(_SQL["refresh_pool_reliability"], {"now": now})
    row = session.row(_SQL["read_row_count"])
    return int(row["row_count"]) if row else 0


def list_pool_options(
    session: Session, *, client_id: str, region: str, instance_types: Sequence[str]
) -> list[Row]:
    """Return the pools of these types that a client knows in a region, last reported first."""
    return session.rows(
        _SQL["list_pool_options"],
        {
            "client_id": client_id,
            "region": region,
            "instance_types": orjson.dumps(list(instance_types)).decode(),
        },
    )


def find_ondemand_price(
    session: Session, *, client_id: str, region: str, instance_type: str
) -> Decimal | None:
    """Return the newest on-demand price in USD per hour, None when it is unknown."""
    row = session.row(
        _SQL["find_ondemand_price"],
        {"client_id": client_id, "region": region, "instance_type": instance_type},
    )
    return row["price_usd_per_hour"] if row else None


def list_current_risk(
    session: Session, *, client_id: str, since: datetime, limit: int = 500
) -> list[Row]:
    """Return the newest risk of a client's pools computed after ``since``, riskiest first."""
    return session.rows(
        _SQL["list_current_risk"], {"client_id": client_id, "since": since, "limit": limit}
    )


def list_reliability(session: Session, *, client_id: str, pool_id: int, limit: int) -> list[Row]:
    """Return a client's days with one pool, newest first."""
    return session.rows(
        _SQL["list_reliability"], {"client_id": client_id, "pool_id": pool_id, "limit": limit}
    )
