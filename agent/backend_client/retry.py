"""The only retry loop of the agent: full jitter, a budget, and waits that can be interrupted."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.clock import Clock
from agent.errors import TransientError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_JITTER = random.SystemRandom()


@dataclass(frozen=True)
class Backoff:
    """Seconds between tries: random up to a bound that doubles from ``first`` to ``longest``."""

    first: float = 0.5
    longest: float = 30.0

    def pause(self, failures: int, retry_after: float | None = None) -> float:
        """Return the pause after so many failures (1 or more); never less than ``retry_after``."""
        bound = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return max(retry_after or 0.0, _JITTER.uniform(bound / 4, bound))


def persist(
    call: Callable[[], T],
    *,
    wait: Callable[[float], None],
    clock: Clock,
    budget: float | None = None,
    backoff: Backoff = Backoff(),
) -> T:
    """Call until it succeeds, fails for good, or the budget is spent.

    Args:
        call: Must be safe to repeat.
        wait: Waits that many seconds, or raises when waiting is over.
        clock: Measures the budget.
        budget: Seconds after which the last transient error is raised; None means never.
        backoff: How long to pause.

    Raises:
        TransientError: the budget is spent.
    """
    started = clock.monotonic()
    failures = 0
    while True:
        try:
            return call()
        except TransientError as error:  # noqa: PERF203 - the point of this loop
            failures += 1
            pause = backoff.pause(failures, error.retry_after)
            if budget is not None and clock.monotonic() + pause - started > budget:
                raise
            if failures == 1:
                logger.warning(
                    "%s; trying again", error, extra={"action": "call_retried", "pause": pause}
                )
            wait(pause)
