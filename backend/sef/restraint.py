"""How the fallback restrains itself: pauses after failures, rests after false alarms, budgets. Pure."""

from datetime import timedelta
from typing import Final

LAUNCHES_PER_HOUR: Final = 4  # of one agent; first replacements after a notice are not counted
CLIENT_LAUNCHES: Final = 10  # of one client in an hour
CLIENT_LAUNCHES_SHARE: Final = 0.20  # of its fleet, where that is more
REMEMBERED: Final = timedelta(hours=24)  # failures and false alarms that count
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(minutes=30)
_LONGEST_REST: Final = timedelta(hours=24)
_MOST_DOUBLINGS: Final = 10


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failed launches in a row."""
    if failures <= 0:
        return timedelta(0)
    return min(_FIRST_PAUSE * (1 << min(failures - 1, _MOST_DOUBLINGS)), _LONGEST_PAUSE)


def rest_after(false_alarms: int) -> timedelta:
    """Return how long a rebalance signal is ignored after so many that came to nothing."""
    if false_alarms <= 0:
        return timedelta(0)
    return min(timedelta(hours=1 << min(false_alarms, _MOST_DOUBLINGS)), _LONGEST_REST)


def client_budget(fleet_size: int) -> int:
    """Return how many launches a client may have in an hour."""
    return max(CLIENT_LAUNCHES, int(CLIENT_LAUNCHES_SHARE * fleet_size))
