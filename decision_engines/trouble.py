"""When a pool gave trouble: lost instances, or refused to launch any.

Defined once, for training and for serving. Trouble that comes again within ten minutes is one spell,
so that it does not matter whether a pool is asked every minute or every quarter of an hour.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

REMEMBERED: Final = timedelta(hours=72)
ONE_SPELL: Final = timedelta(minutes=10)
DAY: Final = timedelta(hours=24)
HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a pool's past says.

    Attributes:
        calm: Since the last trouble, at most 72 hours; so long too when none is known.
        longest_calm: The longest calm that reached into the last 24 hours, at most 24 hours.
        troubled_share: Share of the last 24 clock hours, the present one too, with trouble; 0..1.
    """

    calm: timedelta = REMEMBERED
    longest_calm: timedelta = DAY
    troubled_share: float = 0.0


UNTROUBLED: Final = Trouble()


class TroubleLog:
    """The spells of trouble of one pool within 72 hours, oldest first; bounded by their length."""

    def __init__(self) -> None:
        self._spells: deque[tuple[datetime, datetime]] = deque()

    def add(self, instant: datetime) -> None:
        """Count trouble at an instant (UTC), not before the last one that was added.

        Raises:
            ValueError: it is before that.
        """
        if self._spells and instant < self._spells[-1][1]:
            raise ValueError(f"{instant} is before {self._spells[-1][1]}, which came first")
        if self._spells and instant - self._spells[-1][1] <= ONE_SPELL:
            self._spells[-1] = (self._spells[-1][0], instant)
        else:
            self._spells.append((instant, instant))
        while instant - self._spells[0][1] > REMEMBERED:
            self._spells.popleft()

    def at(self, now: datetime) -> Trouble:
        """Describe the pool at an instant that is not before the last trouble."""
        if not self._spells:
            return UNTROUBLED
        calm = min(now - self._spells[-1][1], REMEMBERED)
        since = now - DAY
        # Before the oldest spell that is remembered nothing is known: that is no calm.
        calms = [
            later[0] - earlier[1] for earlier, later in pairwise(self._spells) if later[0] > since
        ]
        return Trouble(
            calm=calm,
            longest_calm=min(max(calm, *calms) if calms else calm, DAY),
            troubled_share=self._troubled_hours(now) / (DAY // HOUR),
        )

    def _troubled_hours(self, now: datetime) -> int:
        last = _hour(now)
        first = last - DAY // HOUR + 1
        return len(
            {
                hour
                for begin, end in self._spells
                for hour in range(max(_hour(begin), first), _hour(end) + 1)
            }
        )


def _hour(instant: datetime) -> int:
    return (instant - _EPOCH) // HOUR
