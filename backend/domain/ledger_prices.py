"""Prices for the ledger: observations become steps, and what nobody observed stays unknown."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Price:
    """USD per hour; estimated when it was not observed but drawn from its neighbours."""

    usd_per_hour: Decimal
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A price at an instant."""

    at: datetime
    price: Price


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """A price that changes at some instants.

    Attributes:
        edges: When it changes, oldest first; before the first it is unknown.
        prices: What holds from the edge at the same place on; None is unknown.
    """

    edges: Sequence[datetime] = ()
    prices: Sequence[Price | None] = ()

    def at(self, instant: datetime) -> Price | None:
        """Return the price at an instant; None when nobody knows it."""
        place = bisect_right(self.edges, instant)
        return self.prices[place - 1] if place else None


UNKNOWN: Final = PriceSteps()


def steps_of(
    points: Sequence[PricePoint],
    *,
    holds_for: timedelta | None = None,
    guessed_for: timedelta = timedelta(0),
) -> PriceSteps:
    """Return observed prices as steps.

    Args:
        points: Observations, oldest first.
        holds_for: How long one speaks for what follows it; None until the next one.
        guessed_for: How much longer it is taken as an estimate, and how long before it if nobody
            else spoke then; beyond, the price is unknown.
    """
    steps: list[tuple[datetime, Price | None]] = []
    if points:
        steps.append((points[0].at - guessed_for, _guess(points[0])))
    for point, following in zip(points, [*points[1:], None], strict=False):
        steps.append((point.at, point.price))
        if holds_for is None or (following and following.at <= point.at + holds_for):
            continue
        lapses_at = point.at + holds_for
        unknown_at = lapses_at + guessed_for
        steps.append((lapses_at, _guess(point)))
        if following is None:
            steps.append((unknown_at, None))
        elif unknown_at < following.at:
            steps.append((unknown_at, None))
            steps.append((max(following.at - guessed_for, unknown_at), _guess(following)))
    told = [s for n, s in enumerate(steps) if n == 0 or steps[n - 1][1] != s[1]]
    return PriceSteps(tuple(at for at, _ in told), tuple(price for _, price in told))


def _guess(point: PricePoint) -> Price:
    return replace(point.price, is_estimated=True)
