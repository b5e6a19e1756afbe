"""Every call that reached the API: who made it, what it was, how it ended."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

LONGEST = 50_000  # calls kept one by one; the counts cover all


class Call(NamedTuple):
    """One call; ``code`` is "" when it succeeded."""

    instant: datetime
    caller: str
    service: str
    action: str
    code: str


class RequestLog:
    """Counts calls. Not thread-safe: the region's lock guards it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, call: Call) -> None:
        """Add a call."""
        self._counts[call.caller, call.action] += 1
        if len(self.calls) < LONGEST:
            self.calls.append(call)

    def by_action(self, is_counted: Callable[[str], bool] = lambda _caller: True) -> dict[str, int]:
        """Return calls per action, of the callers that count, most frequent first."""
        totals: Counter[str] = Counter()
        for (caller, action), count in self._counts.items():
            if is_counted(caller):
                totals[action] += count
        return dict(totals.most_common())

    def total(self, is_counted: Callable[[str], bool] = lambda _caller: True) -> int:
        """Return the number of calls of the callers that count."""
        return sum(self.by_action(is_counted).values())
