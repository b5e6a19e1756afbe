"""What a hazard model is told of a pool: defined once, for training and for serving.

Everything is a plain number; what is unknown has a value that says so, never a guess.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from decision_engines.contract import PoolFacts
from decision_engines.trouble import ONE_SPELL

LONGEST_AGE: Final = timedelta(days=30)  # also of a pool without a known loss
SIBLING_WINDOW: Final = timedelta(hours=1)

FEATURES: Final = (
    "log_age_hours",
    "decayed_losses",
    "decayed_capacity_errors",
    "price_ratio",
    "is_price_ratio_known",
    "volatility",
    "log_sibling_age_hours",
    "sibling_losses",
    "log_calm_hours",
    "log_longest_calm_hours",
    "troubled_share",
    "region_troubled_share",
    "siblings_in_trouble",
)
_SHORTEST_CALM_HOURS: Final = 0.1  # below it the logarithm tells apart what the ticks cannot


def pool_features(
    pool: PoolFacts,
    siblings: Sequence[PoolFacts],
    *,
    ondemand_price: Decimal | None,
    now: datetime,
) -> dict[str, float]:
    """Describe a pool, in the order of ``FEATURES``.

    Args:
        pool: The pool.
        siblings: Pools of the same type in other zones of the region; the pool itself is passed
            over.
        ondemand_price: USD per hour; None when unknown, then ``price_ratio`` is 0.
        now: The instant of the description: nothing later is known.
    """
    others = [other for other in siblings if other.pool_id != pool.pool_id]
    ages = [age_of(other, now) for other in others]
    region = [pool.trouble.troubled_share, *(other.trouble.troubled_share for other in others)]
    restless = sum(other.trouble.calm <= ONE_SPELL for other in others)
    return {
        "log_age_hours": _log_hours(age_of(pool, now)),
        "decayed_losses": pool.decayed_losses,
        "decayed_capacity_errors": pool.decayed_capacity_errors,
        "price_ratio": float(pool.price / ondemand_price) if ondemand_price else 0.0,
        "is_price_ratio_known": 1.0 if ondemand_price else 0.0,
        "volatility": pool.volatility or 0.0,
        "log_sibling_age_hours": _log_hours(min(ages, default=LONGEST_AGE)),
        "sibling_losses": float(sum(age <= SIBLING_WINDOW for age in ages)),
        "log_calm_hours": _log_calm(pool.trouble.calm),
        "log_longest_calm_hours": _log_calm(pool.trouble.longest_calm),
        "troubled_share": pool.trouble.troubled_share,
        "region_troubled_share": sum(region) / len(region),
        "siblings_in_trouble": restless / len(others) if others else 0.0,
    }


def age_of(pool: PoolFacts, now: datetime) -> timedelta:
    """Return the time since the pool's last loss, at most 30 days, at least nothing."""
    if pool.last_loss_at is None:
        return LONGEST_AGE
    return min(max(now - pool.last_loss_at, timedelta(0)), LONGEST_AGE)


def _log_hours(age: timedelta) -> float:
    return math.log1p(age / timedelta(hours=1))


def _log_calm(calm: timedelta) -> float:
    return math.log(_SHORTEST_CALM_HOURS + calm / timedelta(hours=1))
