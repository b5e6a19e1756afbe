"""A breaker: after three failures in a row nobody waits for what does not work."""

import threading
from datetime import timedelta
from typing import Final

from backend.clock import Clock
from backend.engines.errors import ScorerUnavailable

FAILURES_TO_OPEN: Final = 3
OPEN_FOR: Final = timedelta(seconds=10)


class Breaker:
    """Open for ten seconds after three failures in a row; then one success closes it. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether requests are refused at once."""
        return self._clock.monotonic() < self._open_until

    def check(self) -> None:
        """Let a request pass.

        Raises:
            ScorerUnavailable: the breaker is open.
        """
        if self.is_open:
            raise ScorerUnavailable("The scorer failed three times in a row; it is left alone")

    def note_failure(self) -> None:
        """Count a failure."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._open_until = self._clock.monotonic() + OPEN_FOR.total_seconds()

    def note_success(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._failures = 0
