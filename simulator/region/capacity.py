"""How many more instances a pool can take."""

from datetime import datetime

from simulator.errors import AwsError
from simulator.market.market import Market
from simulator.pools import Pool
from simulator.region.model import Lifecycle

USUAL_CAPACITY = 10_000


class Capacity:
    """The market's word, unless somebody has set a pool by hand. The region's lock guards it."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._set: dict[tuple[Pool, Lifecycle], int] = {}

    def set(self, pool: Pool, lifecycle: Lifecycle, count: int | None) -> None:
        """Fix how many instances a pool holds at most; None returns it to the market."""
        if count is None:
            self._set.pop((pool, lifecycle), None)
        else:
            self._set[pool, lifecycle] = count

    def limit(self, pool: Pool, lifecycle: Lifecycle, now: datetime) -> int:
        """Return how many instances the pool holds at most."""
        fixed = self._set.get((pool, lifecycle))
        if fixed is not None:
            return fixed
        if lifecycle is Lifecycle.SPOT and not self._market.is_available(pool, now):
            return 0
        return USUAL_CAPACITY

    def require(self, pool: Pool, lifecycle: Lifecycle, taken: int, now: datetime) -> None:
        """Refuse a launch that the pool cannot take.

        Raises:
            AwsError: InsufficientInstanceCapacity.
        """
        if taken < self.limit(pool, lifecycle, now):
            return
        if lifecycle is Lifecycle.SPOT:
            raise AwsError(
                "InsufficientInstanceCapacity",
                "There is no Spot capacity available that matches your request.",
                500,
            )
        raise AwsError(
            "InsufficientInstanceCapacity",
            f"We currently do not have sufficient {pool.instance_type} capacity in the "
            f"Availability Zone you requested ({pool.az}).",
            500,
        )
