"""Which current prices a report has to bring up itself, and which the next job run will."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

WRITTEN_EVERY = timedelta(seconds=60)  # as often as dedup_prices brings all of them up
REMEMBERED = 20_000  # prices remembered by one process: about 4 MB

PriceKey = tuple[str, ...] | tuple[str, int]  # a client's pool, or its region and instance type


class DuePrices:
    """Remembers when this process last wrote a current price. Thread-safe.

    A pool that hundreds of agents report is written once a minute rather than hundreds of times;
    one that was not reported for a minute, or never, is written at once. To forget costs a write,
    nothing else.
    """

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._written: OrderedDict[PriceKey, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, keys: Iterable[PriceKey], now: datetime) -> list[PriceKey]:
        """Return those of ``keys`` that are due; the caller writes them, or releases them.

        Of several callers at once one gets a key. A clock that was set back makes prices due.
        """
        with self._lock:
            due = [key for key in keys if not self._is_fresh(key, now)]
            for key in due:
                self._written[key] = now
                self._written.move_to_end(key)
            while len(self._written) > self._capacity:
                self._written.popitem(last=False)
        return due

    def release(self, keys: Iterable[PriceKey]) -> None:
        """Say that claimed prices were not written: the next report does it."""
        with self._lock:
            for key in keys:
                self._written.pop(key, None)

    def _is_fresh(self, key: PriceKey, now: datetime) -> bool:
        written = self._written.get(key)
        return written is not None and timedelta() <= now - written < WRITTEN_EVERY
