"""A clock that stands still until a test moves it."""

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)  # a Monday noon, on a five-minute boundary


class FakeClock:
    """Implements ``backend.clock.Clock``; ``now`` and ``monotonic`` move together."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def advance(self, step: timedelta) -> datetime:
        """Move on (never back) and return the new instant."""
        if step < timedelta(0):
            msg = "time does not run backwards"
            raise ValueError(msg)
        with self._lock:
            self._now += step
            self._monotonic += step.total_seconds()
            return self._now
