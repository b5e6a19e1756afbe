"""The chance of losing an instance of a pool within an hour, when no model says better.

A hazard that falls with the time since the pool was last lost, more of it where losses are many
and where the price is near on-demand. Measured on public traces: time since the last loss alone
separates pools with an AUC of 0.81, price with 0.69, the hour of the day not at all (0.50). The
procedure ``refresh_pool_reliability`` holds the same formula; the tests hold one against the other.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

LOSSES_KEPT: Final = timedelta(days=30)
LOSS_HALF_LIFE: Final = timedelta(days=7)
CAPACITY_KEPT: Final = timedelta(hours=24)
CAPACITY_HALF_LIFE: Final = timedelta(hours=3)
INCIDENT: Final = timedelta(minutes=30)  # instances of one pool are lost together
FEWEST_WITNESSES: Final = 2  # clients that must have met an incident before others count it

# Fitted by eye to the nine-zone trace of p3.2xlarge: about 46 % within half an hour just after a
# loss, 10 % after two or three hours, 1-4 % after fourteen.
_HAZARD: Final = 0.6  # per hour, divided by the age
_AGE_SHIFT_HOURS: Final = 1 / 3
_LOSSES_CAP: Final = 7.0
_PRESSURE_FROM: Final = 0.5  # of the on-demand price; below it the price says nothing
_VOLATILITY_CAP: Final = 0.1  # standard deviation over mean, 24 hours
_CAPACITY_CAP: Final = 4.0
_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)

CAUTION_FROM: Final = 0.05
AVOID_FROM: Final = 0.30


class Recommendation(StrEnum):
    """What a risk means for placing an instance."""

    SAFE = "safe"
    CAUTION = "caution"
    AVOID = "avoid"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """What is known about a pool, as one client sees it.

    Attributes:
        age: Since the last loss; None when none is known.
        decayed_losses: Losses of 30 days, each halved every 7 days.
        decayed_capacity_errors: Launches refused in 24 hours, each halved every 3 hours.
        price_ratio: Spot price over on-demand price; None when either is unknown.
        volatility: Standard deviation over mean of the price, 24 hours; None when unknown.
    """

    age: timedelta | None = None
    decayed_losses: float = 0.0
    decayed_capacity_errors: float = 0.0
    price_ratio: float | None = None
    volatility: float | None = None


def risk_of(facts: PoolFacts) -> float:
    """Return the chance of a loss within an hour, in [0, 1].

    Never less for a younger age, for more losses, more capacity errors or a dearer price. A pool
    without a known loss counts as lost 30 days ago: about one chance in four each month.
    """
    return 1 - math.exp(-hazard_per_hour(facts))


def hazard_per_hour(facts: PoolFacts) -> float:
    """Return the expected number of losses in an hour, at least 0."""
    age = LOSSES_KEPT if facts.age is None else min(facts.age, LOSSES_KEPT)
    pressure = price_pressure(facts.price_ratio)
    volatility = min((facts.volatility or 0.0) / _VOLATILITY_CAP, 1.0)
    by_age = _HAZARD / (age / timedelta(hours=1) + _AGE_SHIFT_HOURS)
    by_losses = 0.5 + 0.5 * min(facts.decayed_losses, _LOSSES_CAP)
    by_price = 1 + 2 * pressure + 0.5 * volatility
    by_capacity = 0.05 * min(facts.decayed_capacity_errors, _CAPACITY_CAP)
    return by_age * by_losses * by_price + 0.02 * pressure + by_capacity


def price_pressure(ratio: float | Decimal | None) -> float:
    """Return how much a price says of scarcity: 0 up to half of on-demand, 1 at on-demand."""
    if ratio is None:
        return 0.0
    return min(max((float(ratio) - _PRESSURE_FROM) / (1 - _PRESSURE_FROM), 0.0), 1.0)


def recommend(risk: float) -> Recommendation:
    """Put a risk into words."""
    if risk >= AVOID_FROM:
        return Recommendation.AVOID
    return Recommendation.CAUTION if risk >= CAUTION_FROM else Recommendation.SAFE


def decayed_count(instants: Iterable[datetime], *, now: datetime, half_life: timedelta) -> float:
    """Count past instants, each worth half as much after every ``half_life``."""
    return math.fsum(math.pow(0.5, (now - instant) / half_life) for instant in instants)


def count_incidents(
    client_id: str, losses: Mapping[str, Iterable[datetime]], *, now: datetime
) -> list[datetime]:
    """Return the incidents of a pool that count for a client, ascending.

    Args:
        client_id: Who asks.
        losses: When each client lost instances in the pool.
        now: The present instant; what is over 30 days old, or to come, does not count.

    Returns:
        The last loss of each half hour that the client met itself, or that two clients met.
    """
    by_slot: dict[int, dict[str, datetime]] = {}
    for witness, instants in losses.items():
        for instant in instants:
            if now - LOSSES_KEPT < instant <= now:
                slot = by_slot.setdefault((instant - _ORIGIN) // INCIDENT, {})
                slot[witness] = max(instant, slot.get(witness, instant))
    return sorted(
        slot.get(client_id, max(slot.values()))
        for slot in by_slot.values()
        if client_id in slot or len(slot) >= FEWEST_WITNESSES
    )
