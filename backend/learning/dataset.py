"""Rows to learn from: what was known of a pool at a tick, and whether it was lost soon after."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidRequest
from backend.learning.market import Market
from backend.learning.traces import Flags, Floats, Trace, region_of
from decision_engines.features import FEATURES, pool_features

WARM_UP = timedelta(hours=12)  # before it, ages and shares say when the trace began


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows in the order of time.

    Attributes:
        rows: [row, feature], in the order of ``FEATURES``.
        lost: Whether the pool had no capacity at a tick within the horizon.
        at: Seconds since 1970 of each row.
        horizon: What ``lost`` looks ahead.
    """

    rows: Floats
    lost: Flags
    at: NDArray[np.int64]
    horizon: timedelta

    def between(self, first: int, last: int) -> "Dataset":
        """Return the rows of [first, last), seconds since 1970."""
        kept = (self.at >= first) & (self.at < last)
        return Dataset(self.rows[kept], self.lost[kept], self.at[kept], self.horizon)


def build(trace: Trace, *, horizon: timedelta, ondemand_price: Decimal | None) -> Dataset:
    """Describe every tick at which a pool had capacity, and label it.

    Rows whose horizon reaches beyond the trace, and those of the first twelve hours, are left out.

    Raises:
        InvalidRequest: the trace is not longer than warm-up and horizon together.
    """
    ahead = round(horizon.total_seconds() / trace.tick_seconds)
    first = trace.tick_at(trace.start + WARM_UP)
    last = len(trace.times) - ahead
    if ahead < 1 or first >= last:
        raise InvalidRequest(
            f"the trace must last longer than {WARM_UP + horizon}, and the horizon a tick of"
            f" {trace.tick_seconds} s",
            field="trace",
        )
    lost = _lost_within(trace.available, ahead)
    zones = [_same_region(trace, row) for row in range(len(trace.zones))]
    rows: list[list[float]] = []
    labels: list[bool] = []
    at: list[int] = []
    for tick, now, pools in Market(trace, ondemand_price).ticks():
        if not first <= tick < last:
            continue
        for number, pool in enumerate(pools):
            if pool is None or not trace.available[number, tick]:
                continue
            siblings = [found for other in zones[number] if (found := pools[other]) is not None]
            told = pool_features(pool, siblings, ondemand_price=ondemand_price, now=now)
            rows.append([told[name] for name in FEATURES])
            labels.append(bool(lost[number, tick]))
            at.append(int(trace.times[tick]))
    return Dataset(
        np.array(rows).reshape(len(rows), len(FEATURES)),
        np.array(labels, dtype=bool),
        np.array(at, dtype=np.int64),
        horizon,
    )


def _lost_within(available: Flags, ahead: int) -> Flags:
    """Tell whether a pool had no capacity at one of the next ticks; [zone, tick - ahead]."""
    gone = np.cumsum(np.pad(~available, ((0, 0), (1, 0))), axis=1)
    return np.asarray(gone[:, ahead + 1 :] - gone[:, 1:-ahead] > 0)


def _same_region(trace: Trace, row: int) -> list[int]:
    region = region_of(trace.zones[row])
    return [other for other, zone in enumerate(trace.zones) if region_of(zone) == region]
