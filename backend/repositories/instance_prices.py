"""Prices around one instance: its pools, its type on demand, and their history."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from backend.db.session import Row, Session
from backend.db.statements import beside
from backend.repositories.search import like_pattern

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One instance type in one region, as one client sees it."""

    client_id: str
    region: str
    instance_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time from ``since`` until before ``until``, in buckets that begin at ``since``."""

    since: datetime
    until: datetime
    bucket_seconds: int


def list_pools(session: Session, market: Market) -> list[Row]:
    """Return the client's pools of this type with their last prices, cheapest first."""
    return session.rows(_SQL["list_pools"], asdict(market))


def list_types(session: Session, market: Market) -> list[str]:
    """Return the types of the same family that the client has prices of, by name."""
    family = market.instance_type.partition(".")[0]
    params = {**asdict(market), "pattern": like_pattern(f"{family}.").removeprefix("%")}
    return [row["instance_type"] for row in session.rows(_SQL["list_types"], params)]


def list_spot_buckets(
    session: Session, *, client_id: str, pool_number: int, span: Span
) -> list[Row]:
    """Return the mean spot price of each bucket that has points, ascending."""
    params = {"client_id": client_id, "pool_number": pool_number, **asdict(span)}
    return session.rows(_SQL["list_spot_buckets"], params)


def list_ondemand_buckets(session: Session, market: Market, span: Span) -> list[Row]:
    """Return the mean on-demand price of each bucket that has one, ascending."""
    return session.rows(_SQL["list_ondemand_buckets"], {**asdict(market), **asdict(span)})


def find_ondemand_price(session: Session, market: Market, *, until: datetime) -> Decimal | None:
    """Return the newest on-demand price before an instant, USD per hour."""
    row = session.row(_SQL["find_ondemand_price"], {**asdict(market), "until": until})
    return row["price_usd_per_hour"] if row else None
