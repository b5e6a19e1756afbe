"""Real time, and the faster time of the market."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Implementations are thread-safe."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()


class MarketTime:
    """Maps real instants to market seconds and back.

    After ``origin`` the market runs ``speed`` times as fast as the world, before it at the world's
    pace: so there is a plausible history at the first moment, and movement afterwards.
    """

    def __init__(self, origin: datetime, speed: float) -> None:
        if speed <= 0:
            msg = "the market's speed must be greater than 0"
            raise ValueError(msg)
        self.origin = origin
        self.speed = speed

    def seconds_at(self, instant: datetime) -> float:
        """Return market seconds since the origin; negative before it."""
        real = (instant - self.origin).total_seconds()
        return real * self.speed if real > 0 else real

    def instant_of(self, seconds: float) -> datetime:
        """Return the real instant at which the market's clock shows ``seconds``."""
        real = seconds / self.speed if seconds > 0 else seconds
        return self.origin + timedelta(seconds=real)
