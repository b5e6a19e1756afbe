"""The limits that an agent's owner sets for voluntary moves, and when moves are welcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson

from backend.errors import InvalidRequest

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_WINDOWS: Final = 20

# Name: least and most, as the table's constraints have them.
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "min_savings_percent": (0, 100),
    "risk_threshold": (0, 1),
    "max_switches_per_day": (0, 100),
    "max_switches_per_week": (0, 500),
    "min_pool_duration_hours": (0, 720),
    "max_price_age_seconds": (60, 86_400),
    "return_stable_minutes": (0, 10_080),
    "max_pool_share_percent": (1, 100),
    "max_moved_percent": (1, 100),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly span, in UTC, in which moves are welcome.

    One that ends before it begins ends on the next day.
    """

    days: frozenset[int]
    begins: time
    ends: time

    def holds(self, instant: datetime) -> bool:
        """Whether the instant (UTC) lies in it."""
        moment, day = instant.time(), instant.weekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= moment < self.ends
        is_evening = day in self.days and moment >= self.begins
        return is_evening or ((day - 1) % len(DAYS) in self.days and moment < self.ends)


NEVER: Final = Window(frozenset(), time(0), time(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLimits:
    """What no engine can override, for one agent; the defaults are those of a new agent.

    Attributes:
        min_savings_percent: A spot pool must save so much of the on-demand price.
        risk_threshold: The most risk of the target, chance of a loss within an hour.
        max_switches_per_day: Voluntary switches within 24 hours.
        max_switches_per_week: Voluntary switches within 7 days.
        min_pool_duration_hours: The least stay in one place.
        max_price_age_seconds: Older prices are no ground for a move.
        return_stable_minutes: From on-demand only into a pool without a loss for so long.
        max_pool_share_percent: Of a client's spot agents in one pool.
        max_moved_percent: Of a client's agents moved in one pass.
        windows: Maintenance windows; without any, moves are welcome at any time.
    """

    min_savings_percent: Decimal = Decimal("15.00")
    risk_threshold: Decimal = Decimal("0.30")
    max_switches_per_day: int = 3
    max_switches_per_week: int = 10
    min_pool_duration_hours: int = 2
    max_price_age_seconds: int = 900
    return_stable_minutes: int = 120
    max_pool_share_percent: int = 30
    max_moved_percent: int = 10
    windows: tuple[Window, ...] = ()

    @property
    def min_stay(self) -> timedelta:
        """The least stay in one place."""
        return timedelta(hours=self.min_pool_duration_hours)

    def is_welcome(self, instant: datetime) -> bool:
        """Whether a voluntary move may begin at this instant."""
        return not self.windows or any(window.holds(instant) for window in self.windows)


_NUMBERS: Final = tuple(field.name for field in fields(DecisionLimits) if field.name != "windows")


def limits_from(row: Mapping[str, Any]) -> DecisionLimits:
    """Build the limits from a row with the columns of ``agent_configs``.

    Windows that cannot be read are never open: one such agent stays where it is, and stops nobody.

    Raises:
        KeyError: a column is missing.
    """
    text = row["maintenance_windows"]
    try:
        windows = parse_windows(orjson.loads(text)) if text else ()
    except (InvalidRequest, orjson.JSONDecodeError):
        windows = (NEVER,)
    return DecisionLimits(**{name: row[name] for name in _NUMBERS}, windows=windows)


def limits_to_wire(limits: DecisionLimits) -> dict[str, Any]:
    """Return the limits as JSON: plain numbers, and the windows as they are written."""
    values = {name: getattr(limits, name) for name in _NUMBERS}
    numbers = {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
    return {**numbers, "maintenance_windows": windows_to_wire(limits.windows)}


def parse_windows(value: object) -> tuple[Window, ...]:
    """Read ``[{"days": ["mon", ...], "from": "22:00", "to": "04:00"}, ...]``, all in UTC.

    Raises:
        InvalidRequest: names what is wrong, and what is allowed.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_WINDOWS:
        raise _refusal(f"must be a list of at most {MOST_WINDOWS} windows")
    return tuple(_window(entry) for entry in value)


def windows_to_wire(windows: Sequence[Window]) -> list[dict[str, Any]]:
    """Return windows as ``parse_windows`` reads them."""
    return [
        {
            "days": [DAYS[day] for day in sorted(window.days)],
            "from": f"{window.begins:%H:%M}",
            "to": f"{window.ends:%H:%M}",
        }
        for window in windows
    ]


def _window(entry: object) -> Window:
    if not isinstance(entry, Mapping):
        raise _refusal("each window is an object with days, from and to")
    days = entry.get("days", DAYS)
    if not isinstance(days, Sequence) or isinstance(days, str) or not days or {*days} - {*DAYS}:
        raise _refusal(f"days must be some of {', '.join(DAYS)}")
    begins, ends = _time(entry.get("from")), _time(entry.get("to"))
    if begins == ends:
        raise _refusal("from and to must differ")
    return Window(frozenset(DAYS.index(day) for day in days), begins, ends)


def _time(value: object) -> time:
    try:
        return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 - a time of day, in UTC
    except ValueError as error:
        raise _refusal("from and to must be times such as 22:00, in UTC") from error


def _refusal(sentence: str) -> InvalidRequest:
    return InvalidRequest(f"maintenance_windows: {sentence}", field="maintenance_windows")
