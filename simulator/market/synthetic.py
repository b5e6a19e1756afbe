"""A made-up market: prices that return to their mean, rare spikes, regimes of availability.

The figures follow what public traces show: small steps hours apart, rare jumps, a heartbeat of the
unchanged price every 24 hours, pools that are lost more readily while young, and an outage that
takes a sibling zone with it in about one of seven cases.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from simulator.chance import stream
from simulator.clock import MarketTime
from simulator.market.market import Outage
from simulator.market.series import PriceSeries
from simulator.pools import Pool

STEP_SECONDS = 300.0  # of market time
HISTORY = timedelta(days=3)
HEARTBEAT_SECONDS = 86_400.0
SMALLEST_STEP_RATIO = 0.012
PULL = 0.002  # per step, back to the mean
NOISE = 0.0015  # per step, in the logarithm of the price: a change every few hours
SPIKE_CHANCE = 1 / 1500  # per step and pool
SPIKE_DECAY = 0.03
HEALTHY_HOURS, SHORT_HOURS = 30.0, 1.5  # typical stretches with and without capacity
YOUTH = 0.6  # Weibull shape below 1: what is young is lost sooner
SIBLING_CHANCE = 0.14
PRICE_DIGITS = Decimal("0.000001")


class SyntheticMarket:
    """A market made of a seed. The same seed and origin give the same prices."""

    def __init__(
        self,
        ondemand: Mapping[Pool, Decimal],
        seed: int,
        market_time: MarketTime,
        *,
        has_outages: bool = True,
    ) -> None:
        """Make the market with three days of history.

        Args:
            ondemand: Every pool with its on-demand price in USD per hour, the ceiling on spot.
            seed: What all chance comes from.
            market_time: How fast the market moves.
            has_outages: Whether pools ever run dry by themselves.
        """
        self._time = market_time
        self._walks = {pool: _Walk(pool, price, seed) for pool, price in ondemand.items()}
        self._shared = {
            name: _Shared(name, seed) for name in sorted({p.instance_type for p in ondemand})
        }
        self._outages = _Outages(list(ondemand), seed, market_time) if has_outages else None
        self._next_step = -HISTORY.total_seconds()
        self.advance(market_time.origin)

    @property
    def pools(self) -> Sequence[Pool]:
        """Every pool, in a stable order."""
        return list(self._walks)

    def advance(self, now: datetime) -> None:
        """Make everything up to ``now`` known."""
        until = self._time.seconds_at(now)
        while self._next_step <= until:
            instant = self._time.instant_of(self._next_step)
            for shared in self._shared.values():
                shared.step()
            for pool, walk in self._walks.items():
                walk.step(instant, self._next_step, self._shared[pool.instance_type].level)
            self._next_step += STEP_SECONDS
        if self._outages:
            for pool in self._outages.advance(until):
                self._walks[pool].press()

    def prices(self, pool: Pool) -> PriceSeries:
        """Return the prices known so far."""
        return self._walks[pool].prices

    def set_price(self, pool: Pool, price: Decimal, now: datetime) -> None:
        """Let the price jump; it drifts back to its mean afterwards."""
        self._walks[pool].jump_to(price, now, self._shared[pool.instance_type].level)

    def is_available(self, pool: Pool, now: datetime) -> bool:
        """Whether the pool has spot capacity at all."""
        if pool not in self._walks:
            return False
        return self._outages is None or not self._outages.covers(pool, now)


class _Shared:
    """What the zones of one instance type have in common."""

    def __init__(self, instance_type: str, seed: int) -> None:
        self._chance = stream(seed, "type", instance_type)
        self.level = 0.0

    def step(self) -> None:
        self.level += -PULL * self.level + NOISE * self._chance.gauss(0, 1)


class _Walk:
    """The price of one pool on its way."""

    def __init__(self, pool: Pool, ondemand: Decimal, seed: int) -> None:
        self._chance = stream(seed, "pool", pool)
        self._ondemand = float(ondemand)
        self._base = self._ondemand * self._chance.uniform(0.28, 0.42)
        self._level = 0.0
        self._spike = 0.0
        self._published = 0.0
        self._published_at = -math.inf
        self.prices = PriceSeries()

    def step(self, instant: datetime, seconds: float, shared: float) -> None:
        self._level += -PULL * self._level + NOISE * self._chance.gauss(0, 1)
        self._spike *= 1 - SPIKE_DECAY
        if self._chance.random() < SPIKE_CHANCE:
            self._spike += self._chance.uniform(0.2, 0.9)
        price = self._price(shared)
        is_change = abs(price - self._published) > SMALLEST_STEP_RATIO * self._published
        if is_change or seconds - self._published_at >= HEARTBEAT_SECONDS:
            self._publish(instant, seconds, price if is_change else self._published)

    def press(self) -> None:
        """Raise the price: capacity is short."""
        self._spike += self._chance.uniform(0.1, 0.4)

    def jump_to(self, price: Decimal, now: datetime, shared: float) -> None:
        self._spike = math.log(float(price) / self._base) - self._level - shared
        self._published = float(price)
        self.prices.append(now, price.quantize(PRICE_DIGITS))

    def _price(self, shared: float) -> float:
        raw = self._base * math.exp(self._level + self._spike + shared)
        return min(max(raw, 0.1 * self._ondemand), self._ondemand)

    def _publish(self, instant: datetime, seconds: float, price: float) -> None:
        newest = self.prices.newest
        if newest and newest.instant >= instant:
            return  # a jump by hand came first
        self._published, self._published_at = price, seconds
        self.prices.append(instant, Decimal(str(round(price, 4))).quantize(PRICE_DIGITS))


class _Outages:
    """When each pool has no capacity."""

    def __init__(self, pools: Sequence[Pool], seed: int, market_time: MarketTime) -> None:
        self._time = market_time
        self._chance = {pool: stream(seed, "outage", pool) for pool in pools}
        self._next = {pool: _weibull_seconds(self._chance[pool]) for pool in pools}
        self._known: dict[Pool, list[Outage]] = {pool: [] for pool in pools}

    def advance(self, until: float) -> list[Pool]:
        """Decide all outages that begin up to ``until``; return the pools they hit."""
        hit: list[Pool] = []
        while True:
            pool = min(self._next, key=lambda name: (self._next[name], name))
            start = self._next[pool]
            if start > until:
                return hit
            siblings = [p for p in self._next if p != pool and p[0] == pool[0]]
            also = [p for p in siblings if self._chance[pool].random() < SIBLING_CHANCE]
            for lost in (pool, *also):
                self._begin(lost, start)
                hit.append(lost)

    def covers(self, pool: Pool, now: datetime) -> bool:
        return any(outage.start <= now < outage.end for outage in self._known[pool])

    def _begin(self, pool: Pool, start: float) -> None:
        chance = self._chance[pool]
        end = start + 3600.0 * chance.expovariate(1 / SHORT_HOURS)
        outage = Outage(self._time.instant_of(start), self._time.instant_of(end))
        self._known[pool] = [*self._known[pool][-9:], outage]
        self._next[pool] = end + _weibull_seconds(chance)


def _weibull_seconds(chance: Random) -> float:
    return 3600.0 * chance.weibullvariate(HEALTHY_HOURS, YOUTH)
