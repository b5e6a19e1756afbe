"""What every loop is: run at an interval with jitter, survive failures, and show its pulse."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import ClassVar

from agent.backend_client.retry import Backoff
from agent.clock import Clock
from agent.errors import AgentError, TransientError, WorkerStuck
from agent.logs import doing

logger = logging.getLogger(__name__)

_JITTER = random.SystemRandom()
_STUCK_AFTER = 10  # unforeseen failures of the same kind in a row
_SAY_AGAIN_SECONDS = 600.0
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 60.0


class Worker:
    """One loop. Subclasses give ``name`` and ``tick``; a tick may be repeated at any time."""

    name: ClassVar[str]

    def __init__(self, interval: float, clock: Clock, *, starts_at_once: bool = False) -> None:
        self.interval = interval  # seconds between two ticks
        self.stuck: WorkerStuck | None = None
        self.last_success_at: float | None = None  # monotonic
        self._clock = clock
        self._starts_at_once = starts_at_once
        self._wake = threading.Event()
        self._failures = 0
        self._last_warning = ("", 0.0)
        self._breaks = ("", 0)

    def tick(self) -> None:
        """Do the work once."""
        raise NotImplementedError

    def wake(self) -> None:
        """Let the next tick come now."""
        self._wake.set()

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Tick until told to stop, or stuck."""
        pause = 0.0 if self._starts_at_once else _JITTER.uniform(0, self.interval)
        while not is_stopping():
            if pause:
                self._wake.wait(pause)
            self._wake.clear()
            if is_stopping():
                return
            pause = self.attempt()
            if self.stuck is not None:
                return

    def attempt(self) -> float:
        """Tick once behind a fence, and return the seconds until the next one."""
        with doing(self.name):
            try:
                self.tick()
            except TransientError as error:
                return self._after_failure(error, error.retry_after)
            except AgentError as error:
                return self._after_failure(error, None)
            except Exception as error:  # noqa: BLE001 - one broken tick must not end the loop
                return self._after_break(error)
        if self._failures:
            logger.info("%s works again", self.name, extra={"action": "worker_recovered"})
        self._failures = 0
        self._breaks = ("", 0)
        self.last_success_at = self._clock.monotonic()
        return self.interval * _JITTER.uniform(0.85, 1.15)

    def _after_failure(self, error: Exception, retry_after: float | None) -> float:
        self._failures += 1
        longest = max(min(_LONGEST_PAUSE, 8 * self.interval), self.interval / 4)
        first = min(self.interval, _FIRST_PAUSE)
        pause = Backoff(first, longest).pause(self._failures, retry_after)
        now = self._clock.monotonic()
        message, said_at = self._last_warning
        if message != str(error) or now - said_at > _SAY_AGAIN_SECONDS:
            self._last_warning = (str(error), now)
            logger.warning(
                "%s failed: %s; last success %s, next try in %.1f s",
                self.name, error, self._age(now), pause,
                extra={"action": "worker_failed", "failures": self._failures},
            )  # fmt: skip
        return pause

    def _after_break(self, error: Exception) -> float:
        kind = f"{type(error).__name__}: {error}"
        count = self._breaks[1] + 1 if self._breaks[0] == kind else 1
        self._breaks = (kind, count)
        if count == 1:
            logger.error("%s broke", self.name, exc_info=error, extra={"action": "worker_broke"})
        if count >= _STUCK_AFTER:
            self.stuck = WorkerStuck(f"{self.name}: {kind}, {count} times in a row")
        return self._after_failure(error, None)

    def _age(self, now: float) -> str:
        return (
            "never" if self.last_success_at is None else f"{now - self.last_success_at:.0f} s ago"
        )
