"""A pool's prices as a line of few points that keeps every extreme of the many."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """What a slot of time holds: the least and the greatest price, USD per hour."""

    least: Decimal
    greatest: Decimal
    is_discrepant: bool = False


@dataclass(slots=True)
class Line:
    """Two points for each slot, so that a peak between two slots is never lost.

    Attributes:
        prices: USD per hour; None where nobody knows: a gap.
        filled: The places of prices that were filled in rather than seen.
        discrepant: The places where the sources did not agree.
    """

    prices: list[float | None] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)
    discrepant: list[int] = field(default_factory=list)


def line_of(
    count: int,
    own: Mapping[int, Extremes],
    filled: Mapping[int, Extremes],
    agreed: Mapping[int, Extremes],
) -> Line:
    """Return the line over ``count`` slots: what the client saw, else filled in, else agreed on."""
    line = Line()
    last: Decimal | None = None
    for slot in range(count):
        seen = own.get(slot)
        found = seen or filled.get(slot) or agreed.get(slot)
        place = len(line.prices)
        if found is None:
            line.prices += (None, None)
            continue
        pair = _in_order(found, last)
        line.prices += (float(pair[0]), float(pair[1]))
        last = pair[1]
        if seen is None and slot in filled:
            line.filled.append(place)
        if found.is_discrepant:
            line.discrepant.append(place)
    return line


def _in_order(found: Extremes, last: Decimal | None) -> tuple[Decimal, Decimal]:
    """Return the two prices, the one nearer to the price before first: the shorter line."""
    if last is not None and abs(found.greatest - last) < abs(found.least - last):
        return found.greatest, found.least
    return found.least, found.greatest
