"""A trace, told tick by tick as production would know it: nothing later, nothing more."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from backend.learning.traces import Floats, Trace
from backend.sef.risk import LOSS_HALF_LIFE, risk_of
from backend.sef.risk import PoolFacts as RiskFacts
from decision_engines.contract import PoolFacts
from decision_engines.trouble import TroubleLog

VOLATILITY_SPAN: Final = timedelta(hours=24)


class Market:
    """What is known of the pools of a trace, built up from its first tick on.

    A tick without capacity is trouble; the first of them in a row is a loss.
    """

    def __init__(self, trace: Trace, ondemand_price: Decimal | None) -> None:
        self._trace = trace
        self._ondemand = ondemand_price
        self._names = [f"{trace.instance_type}.{zone}" for zone in trace.zones]
        self._volatility = _volatility(trace)
        self._logs = [TroubleLog() for _ in trace.zones]
        self._lost_at: list[datetime | None] = [None for _ in trace.zones]
        self._decayed = [0.0 for _ in trace.zones]
        self._decay = 0.5 ** (timedelta(seconds=trace.tick_seconds) / LOSS_HALF_LIFE)

    def ticks(self) -> Iterator[tuple[int, datetime, list[PoolFacts | None]]]:
        """Yield number, instant and a description for each zone; None before its first price."""
        for tick in range(len(self._trace.times)):
            now = self._trace.instant(tick)
            self._learn(tick, now)
            yield tick, now, [self._pool(row, tick, now) for row in range(len(self._names))]

    def _learn(self, tick: int, now: datetime) -> None:
        available = self._trace.available
        for row in range(len(self._names)):
            self._decayed[row] *= self._decay
            if available[row, tick]:
                continue
            self._logs[row].add(now)
            if tick and available[row, tick - 1]:
                self._lost_at[row] = now
                self._decayed[row] += 1

    def _pool(self, row: int, tick: int, now: datetime) -> PoolFacts | None:
        price = self._trace.price[row, tick]
        if np.isnan(price):
            return None
        lost_at = self._lost_at[row]
        ratio = price / float(self._ondemand) if self._ondemand else None
        volatility = float(self._volatility[row, tick])
        risk = RiskFacts(
            age=None if lost_at is None else now - lost_at,
            decayed_losses=self._decayed[row],
            price_ratio=ratio,
            volatility=volatility,
        )
        return PoolFacts(
            pool_id=self._names[row],
            az=self._trace.zones[row],
            price=Decimal(str(price)),
            price_at=now,
            risk=risk_of(risk),
            last_loss_at=lost_at,
            decayed_losses=self._decayed[row],
            volatility=volatility,
            trouble=self._logs[row].at(now),
        )


def _volatility(trace: Trace) -> Floats:
    """Return standard deviation over mean of the prices of the last 24 hours; [zone, tick]."""
    span = max(int(VOLATILITY_SPAN.total_seconds() // trace.tick_seconds), 1)
    price = np.nan_to_num(trace.price)
    known = (~np.isnan(trace.price)).astype(float)
    count, total, square = (_windowed(grid, span) for grid in (known, price, price**2))
    mean = total / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean**2, 0))
    return np.divide(spread, mean, out=np.zeros_like(mean), where=mean > 0)


def _windowed(grid: Floats, span: int) -> Floats:
    summed = np.cumsum(grid, axis=1)
    summed[:, span:] = summed[:, span:] - summed[:, :-span]
    return summed
