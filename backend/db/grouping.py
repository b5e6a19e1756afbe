"""Group commit: calls that would each wait for the database wait for one statement together.

A commit costs the database a write to disk and some hundred microseconds of processor time, for one
row as for five. So one caller at a time leads: whoever comes while its statement runs waits, and the
next leader takes the waiting ones along. Nobody waits for company: without a leader one leads at
once, alone.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Generic, TypeVar

from backend.errors import SpotOptimizerError

T = TypeVar("T")

MOST: Final = 8  # callers in a statement: a row that is locked keeps so many waiting, not all
PATIENCE_SECONDS: Final = 0.05  # then somebody whom no leader took along goes alone


class _Fate(Enum):
    LEADS = auto()
    DONE = auto()
    ALONE = auto()


@dataclass(slots=True, eq=False)
class _Seat(Generic[T]):
    """A caller that waits; its gate opens when its fate is decided."""

    item: T
    gate: threading.Lock = field(default_factory=threading.Lock)
    fate: _Fate = _Fate.ALONE

    def __post_init__(self) -> None:
        self.gate.acquire()

    def decide(self, fate: _Fate) -> None:
        self.fate = fate
        self.gate.release()


class Grouping(Generic[T]):
    """Joins concurrent calls of one kind. Thread-safe.

    Args:
        one: Does the work for one item; its result is the caller's.
        many: Does it for several in one transaction, all or some of them; true only if it was
            done for every single one. Whatever it does may be done again: after anything but
            true each caller does its own item alone, so that nobody suffers from another's.
        most: Items in a group.
        patience_seconds: How long a caller waits to be taken along.
    """

    def __init__(
        self,
        one: Callable[[T], bool],
        many: Callable[[Sequence[T]], bool],
        *,
        most: int = MOST,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._one = one
        self._many = many
        self._most = most
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._waiting: deque[_Seat[T]] = deque()
        self._is_led = False

    def do(self, item: T) -> bool:
        """Do the work for an item, with others or alone; returns when it is durable.

        Returns:
            What ``one`` returned, or true where it was done in a group.

        Raises:
            Exception: what ``one`` raised for this item; never what befell another's.
        """
        seat = _Seat(item)
        with self._lock:
            leads = not self._is_led
            if leads:
                self._is_led = True
            else:
                self._waiting.append(seat)
        if not leads:
            fate = self._await_fate(seat)
            if fate is not _Fate.LEADS:
                return fate is _Fate.DONE or self._one(item)
        return self._lead(seat)

    def _await_fate(self, seat: _Seat[T]) -> _Fate:
        if not seat.gate.acquire(timeout=self._patience):
            with self._lock:
                if seat in self._waiting:
                    self._waiting.remove(seat)
                    return _Fate.ALONE
            seat.gate.acquire()  # its group is on its way
        return seat.fate

    def _lead(self, own: _Seat[T]) -> bool:
        with self._lock:
            others = [
                self._waiting.popleft() for _ in range(min(len(self._waiting), self._most - 1))
            ]
        fate = _Fate.ALONE
        try:
            if not others:
                return self._one(own.item)
            if self._is_done_for([own, *others]):
                fate = _Fate.DONE
        finally:
            self._hand_on()
            for seat in others:
                seat.decide(fate)
        return fate is _Fate.DONE or self._one(own.item)

    def _is_done_for(self, group: Sequence[_Seat[T]]) -> bool:
        try:
            return self._many([seat.item for seat in group])
        except SpotOptimizerError:
            return False  # it may be one item's fault: each of them finds out for itself

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().decide(_Fate.LEADS)
            else:
                self._is_led = False
