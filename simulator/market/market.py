"""What the region asks of a market."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from simulator.market.series import PriceSeries
from simulator.pools import Pool


class Outage(NamedTuple):
    """A stretch [start, end) in which a pool can launch nothing on spot."""

    start: datetime
    end: datetime


class Market(Protocol):
    """Prices and availability of every pool. The region calls it under its lock."""

    @property
    def pools(self) -> Sequence[Pool]:
        """Every pool, in a stable order."""
        ...

    def advance(self, now: datetime) -> None:
        """Make everything up to ``now`` known."""
        ...

    def prices(self, pool: Pool) -> PriceSeries:
        """Return the prices known so far.

        Raises:
            KeyError: no such pool.
        """
        ...

    def set_price(self, pool: Pool, price: Decimal, now: datetime) -> None:
        """Let the price jump, USD per hour; the market moves on from there."""
        ...

    def is_available(self, pool: Pool, now: datetime) -> bool:
        """Whether the pool has spot capacity at all."""
        ...
