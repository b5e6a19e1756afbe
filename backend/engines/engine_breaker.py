"""A breaker: what failed three times in a row is left alone for a while."""

import threading
from datetime import timedelta
from typing import Final

from backend.clock import Clock

FAILURES: Final = 3
REST: Final = timedelta(seconds=60)


class Breaker:
    """Closed, open, or letting one trial through. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is let through now."""
        with self._lock:
            return self._open_until is not None and self._clock.monotonic() < self._open_until

    def permits(self) -> bool:
        """Whether a call may be made; after the rest one call is, and its end decides."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._clock.monotonic() < self._open_until:
                return False
            self._open_until = self._clock.monotonic() + REST.total_seconds()
            return True

    def succeeded(self) -> None:
        """Note a good call."""
        with self._lock:
            self._failures, self._open_until = 0, None

    def failed(self) -> bool:
        """Note a failed call; True when that opened the breaker."""
        with self._lock:
            self._failures += 1
            if self._failures < FAILURES:
                return False
            was_closed = self._open_until is None
            self._open_until = self._clock.monotonic() + REST.total_seconds()
            return was_closed
