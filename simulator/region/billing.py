"""What an instance costs: the price in effect, second by second."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from simulator.market.market import Market
from simulator.region.model import EndCause, Instance

SHORTEST = timedelta(seconds=60)  # EC2 charges at least a minute
FREE_FIRST = timedelta(hours=1)  # of a spot instance that EC2 interrupts
HOUR = Decimal(3600)


def cost_of(
    instance: Instance, now: datetime, market: Market, ondemand: Mapping[str, Decimal]
) -> Decimal:
    """Return what the instance has cost by ``now``, in USD, unrounded.

    Charged from launch until somebody ends it, at least a minute. When EC2 interrupts a spot
    instance in its first hour, nothing is charged.
    """
    end = min(instance.ended_at or now, now)
    was_interrupted = instance.is_spot and instance.end_cause is EndCause.INTERRUPTED
    if was_interrupted and end - instance.launched_at < FREE_FIRST:
        return Decimal(0)
    end = max(end, instance.launched_at + SHORTEST)
    if not instance.is_spot:
        seconds = Decimal(str((end - instance.launched_at).total_seconds()))
        return seconds * ondemand[instance.wish.instance_type] / HOUR
    segments = market.prices(instance.pool).segments(instance.launched_at, end)
    return sum((Decimal(str(seconds)) * price / HOUR for seconds, price in segments), Decimal(0))
