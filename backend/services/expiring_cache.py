"""A small cache whose entries expire; bounded, so that nobody can fill the memory."""

import threading
from typing import Generic, TypeVar

from backend.clock import Clock

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Thread-safe. Reading takes no lock: a dict look-up is atomic."""

    def __init__(self, clock: Clock, *, capacity: int) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: dict[K, tuple[float, V]] = {}
        self._writing = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value, or None when it is absent or expired."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock.monotonic():
            return None
        return entry[1]

    def put(self, key: K, value: V, *, seconds: float) -> None:
        """Keep ``value`` for ``seconds``; nothing is kept for zero or less."""
        if seconds <= 0:
            return
        with self._writing:
            if len(self._entries) >= self._capacity and key not in self._entries:
                self._make_room()
            self._entries[key] = (self._clock.monotonic() + seconds, value)

    def forget(self, key: K) -> None:
        """Drop one value, if it is there."""
        with self._writing:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._writing:
            self._entries.clear()

    def _make_room(self) -> None:
        """Drop what expired, and at least a tenth: entries stand in the order of their making."""
        now = self._clock.monotonic()
        for key in [k for k, (until, _) in self._entries.items() if until <= now]:
            del self._entries[key]
        surplus = len(self._entries) - self._capacity * 9 // 10
        for key in list(self._entries)[: max(0, surplus)]:
            del self._entries[key]
