"""Pools over all tenants: price, risk, losses."""

from dataclasses import asdict, dataclass
from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFilter:
    """Which pools are listed; None passes over a filter. ``since``: how fresh the price must be."""

    since: datetime
    client_id: str | None = None
    region: str | None = None
    instance_type: str | None = None


def list_pools(session: Session, wanted: PoolFilter, *, limit: int, offset: int = 0) -> list[Row]:
    """Return a page of pools, cheapest first, one row for each client that sees the pool."""
    params = {**asdict(wanted), "limit": limit, "offset": offset}
    return session.rows(_SQL["list_pools"], params)


def count_pools(session: Session, wanted: PoolFilter) -> Row:
    """Return how many pools ``list_pools`` would list in all, and their prices' range."""
    return session.row(_SQL["count_pools"], asdict(wanted)) or {}
