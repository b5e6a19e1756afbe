"""A price over time: a step function, exactly as the spot market bills it."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class PricePoint(NamedTuple):
    """A price in USD per hour, in effect from an instant on."""

    instant: datetime
    price: Decimal


class PriceSeries:
    """Points in ascending order of time. Appending is the only change."""

    def __init__(self) -> None:
        self._instants: list[datetime] = []
        self._prices: list[Decimal] = []

    def append(self, instant: datetime, price: Decimal) -> None:
        """Add the newest point.

        Raises:
            ValueError: it is not newer than the last one, or the price is not above 0.
        """
        if self._instants and instant <= self._instants[-1]:
            msg = f"{instant} is not newer than {self._instants[-1]}"
            raise ValueError(msg)
        if price <= 0:
            msg = f"{price} is no price"
            raise ValueError(msg)
        self._instants.append(instant)
        self._prices.append(price)

    @property
    def newest(self) -> PricePoint | None:
        """The last point, None while there is none."""
        return PricePoint(self._instants[-1], self._prices[-1]) if self._instants else None

    def at(self, instant: datetime) -> Decimal | None:
        """Return the price in effect, None before the first point."""
        place = bisect_right(self._instants, instant)
        return self._prices[place - 1] if place else None

    def effective(self, start: datetime, end: datetime) -> list[PricePoint]:
        """Return the points in [start, end], and before them the one in effect at ``start``."""
        first = max(bisect_right(self._instants, start) - 1, 0)
        last = bisect_right(self._instants, end)
        return [PricePoint(self._instants[i], self._prices[i]) for i in range(first, last)]

    def segments(self, start: datetime, end: datetime) -> Iterator[tuple[float, Decimal]]:
        """Yield (seconds, price in USD per hour) for each stretch of [start, end)."""
        points = self.effective(start, end)
        for index, point in enumerate(points):
            begin = max(point.instant, start) if index else start
            finish = points[index + 1].instant if index + 1 < len(points) else end
            if finish > begin:
                yield (min(finish, end) - begin).total_seconds(), point.price
