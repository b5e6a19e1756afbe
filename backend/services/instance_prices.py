"""What an instance could run on, and what that costs and cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import NotFound
from backend.repositories import instance_lists, instance_prices
from backend.repositories.instance_prices import Market, Span
from backend.services.instance_lookup import find_owner

FRESH = timedelta(hours=1)  # agents report every five minutes; an older price is history
POOLS_CHARTED = 20
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Series = dict[datetime, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What an instance could run on now. A pool is ``is_fresh`` when its price is."""

    instance: Row
    pools: Sequence[Row]
    types: Sequence[str]
    ondemand_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChart:
    """Prices over time: ``times`` ascending; a bucket nobody saw a price in is absent."""

    times: Sequence[datetime]
    pools: Sequence[Row]
    spot: Sequence[Series]
    ondemand: Series
    ondemand_price: Decimal | None


class InstancePrices:
    """Reads prices around an instance, as its own client sees them. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def offers(self, client_id: str | None, instance_id: str) -> Offers:
        """Return the pools and types that an instance could run on.

        Raises:
            NotFound: it is nobody's, or another tenant's.
            Conflict: several tenants claim it.
        """
        now = self._clock.now()

        def read(session: Session) -> Offers:
            instance, market = _instance_and_market(session, client_id, instance_id)
            pools = instance_prices.list_pools(session, market)
            for pool in pools:
                pool["is_fresh"] = pool["observed_at"] >= now - FRESH
            return Offers(
                instance=instance,
                pools=sorted(pools, key=lambda pool: not pool["is_fresh"]),
                types=instance_prices.list_types(session, market),
                ondemand_price=_ondemand_price(session, instance, market, now),
            )

        return self._database.run("read_offers", read)

    def chart(
        self, client_id: str | None, instance_id: str, *, days: int, is_hourly: bool
    ) -> PriceChart:
        """Return the prices of the last days (1 to 90), in hours or UTC days.

        Raises:
            NotFound: it is nobody's, or another tenant's.
            Conflict: several tenants claim it.
        """
        now = self._clock.now()
        span = _span(now, days, HOUR if is_hourly else DAY)

        def read(session: Session) -> PriceChart:
            instance, market = _instance_and_market(session, client_id, instance_id)
            pools = instance_prices.list_pools(session, market)[:POOLS_CHARTED]
            spot = [
                _series(
                    instance_prices.list_spot_buckets(
                        session,
                        client_id=market.client_id,
                        pool_number=pool["pool_number"],
                        span=span,
                    )
                )
                for pool in pools
            ]
            reported = _series(instance_prices.list_ondemand_buckets(session, market, span))
            before = instance_prices.find_ondemand_price(session, market, until=span.since)
            times = sorted({*reported, *(at for series in spot for at in series)})
            return PriceChart(
                times=times,
                pools=pools,
                spot=spot,
                ondemand=_carried_on(reported, before, times),
                ondemand_price=_ondemand_price(session, instance, market, now),
            )

        return self._database.run("read_price_chart", read)


def _instance_and_market(
    session: Session, client_id: str | None, instance_id: str
) -> tuple[Row, Market]:
    owner = find_owner(session, client_id, instance_id)
    instance = instance_lists.find_instance(session, owner["agent_id"], instance_id)
    if instance is None:
        raise NotFound("Unknown instance", field="instance_id")
    return instance, Market(
        client_id=instance["client_id"],
        region=instance["region"],
        instance_type=instance["instance_type"],
    )


def _ondemand_price(
    session: Session, instance: Row, market: Market, now: datetime
) -> Decimal | None:
    """Return what the instance itself said, else what others of the client did."""
    own: Decimal | None = instance["ondemand_price_usd_per_hour"]
    return own or instance_prices.find_ondemand_price(session, market, until=now)


def _span(now: datetime, days: int, bucket: timedelta) -> Span:
    """Return whole buckets, the present one included."""
    is_hourly = bucket == HOUR
    began = now.replace(minute=0, second=0, microsecond=0)
    began = began if is_hourly else began.replace(hour=0)
    return Span(
        since=began + bucket - timedelta(days=days),
        until=began + bucket,
        bucket_seconds=int(bucket.total_seconds()),
    )


def _series(rows: Sequence[Row]) -> Series:
    return {row["began_at"]: row["price_usd_per_hour"] for row in rows}


def _carried_on(reported: Series, before: Decimal | None, times: Sequence[datetime]) -> Series:
    """Return the on-demand price at each time: it holds until another one is reported."""
    found: Series = {}
    price = before
    for at in times:
        price = reported.get(at, price)
        if price is not None:
            found[at] = price
    return found
