"""How the number of clients grew: from today's count, walked back through what happened."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChange:
    """Something that happened to a client; ``action`` is the word of the audit log."""

    client_id: str | None
    action: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDay:
    """Clients at the end of a UTC day (of today: now), and how many came on it."""

    on: date
    total: int
    active: int
    new: int


_Effect = tuple[int, int, int]  # on total, on active, on new


def grow(
    changes: Sequence[ClientChange], *, today: date, days: int, total: int, active: int
) -> list[GrowthDay]:
    """Return ``days`` days, oldest first.

    Args:
        changes: All changes of the span, in any order; repeats of the same state count once.
        today: The last day.
        days: How many days, today included.
        total: How many clients there are now.
        active: How many of them may call now.
    """
    effects: dict[date, list[_Effect]] = defaultdict(list)
    for at, effect in _effects(changes):
        effects[at.date()].append(effect)
    found = []
    for age in range(days):
        day = today - timedelta(days=age)
        of_day = effects[day]
        new = sum(effect[2] for effect in of_day)
        found.append(GrowthDay(on=day, total=total, active=active, new=new))
        total -= sum(effect[0] for effect in of_day)
        active -= sum(effect[1] for effect in of_day)
    return found[::-1]


def _effects(changes: Sequence[ClientChange]) -> list[tuple[datetime, _Effect]]:
    last: dict[str | None, str] = {}
    found = []
    for change in sorted(changes, key=lambda c: c.at):
        before = last.get(change.client_id)
        last[change.client_id] = change.action
        found.append((change.at, _effect(before, change.action)))
    return found


def _effect(before: str | None, action: str) -> _Effect:
    was_suspended = before == "client_suspended"
    if action == "client_created":
        return 1, 1, 1
    if action == "client_deleted":
        return -1, 0 if was_suspended else -1, 0
    if action == "client_suspended":
        return 0, 0 if was_suspended else -1, 0
    was_active = before in {"client_created", "client_resumed"}
    return 0, 0 if was_active else 1, 0
