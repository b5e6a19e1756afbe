"""The past of a market as a grid: one row for each pool, one column for each tick.

Two files are read, plain or gzipped: availability with prices, and price histories alone. Both come
from outside, so that whatever is wrong in one is said with its line and its column.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, TextIO

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidRequest

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

AVAILABILITY_COLUMNS: Final = ("time_utc", "az", "instance_type", "available", "spot_price")
PRICE_COLUMNS: Final = ("availability_zone", "instance_type", "timestamp", "spot_price")
DEAREST: Final = 10_000.0  # USD per hour; no instance costs as much
MOST_CELLS: Final = 50_000_000  # pools x ticks: 450 MB


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a market did.

    Attributes:
        zones: Availability zones, ascending; one row of the grids each.
        instance_type: The type that all pools are of.
        times: Seconds since 1970 of each tick, ascending, evenly spaced.
        available: Whether an instance could be launched; [zone, tick].
        price: USD per hour; [zone, tick]; NaN before the first known price.
        tick_seconds: From one tick to the next.
    """

    zones: tuple[str, ...]
    instance_type: str
    times: NDArray[np.int64]
    available: Flags
    price: Floats
    tick_seconds: int

    @property
    def start(self) -> datetime:
        """The first tick."""
        return self.instant(0)

    @property
    def end(self) -> datetime:
        """The end of the last tick."""
        return self.instant(len(self.times) - 1) + timedelta(seconds=self.tick_seconds)

    @property
    def ticks_per_day(self) -> float:
        """How many ticks a day has."""
        return 86_400 / self.tick_seconds

    def instant(self, tick: int) -> datetime:
        """Return the beginning of a tick."""
        return datetime.fromtimestamp(int(self.times[tick]), UTC)

    def tick_at(self, instant: datetime) -> int:
        """Return the first tick that does not begin before an instant; their number after the end."""
        return int(np.searchsorted(self.times, instant.timestamp(), side="left"))

    def of_zones(self, zones: Sequence[str]) -> "Trace":
        """Return the trace of some zones only, in the order in which the trace has them.

        Raises:
            InvalidRequest: the trace has no such zone, or none is named.
        """
        unknown = sorted(set(zones) - set(self.zones))
        if unknown or not zones:
            named = ", ".join(unknown) or "no zone"
            raise InvalidRequest(
                f"azs: {named}: the trace has {', '.join(self.zones)}", field="azs"
            )
        rows = [number for number, zone in enumerate(self.zones) if zone in set(zones)]
        return replace(
            self,
            zones=tuple(self.zones[row] for row in rows),
            available=self.available[rows],
            price=self.price[rows],
        )

    def between(self, first: int, last: int) -> "Trace":
        """Return the ticks from ``first`` up to, not including, ``last``."""
        return replace(
            self,
            times=self.times[first:last],
            available=self.available[:, first:last],
            price=self.price[:, first:last],
        )


def region_of(zone: str) -> str:
    """Return the region of a zone: all but its letter."""
    return zone[:-1]


def read_availability(path: Path) -> Trace:
    """Read ``time_utc,az,instance_type,available,spot_price``, one row for each tick and zone.

    Raises:
        InvalidRequest: the file cannot be read, or names line and column of what is wrong.
    """
    cells: dict[str, dict[int, tuple[bool, float]]] = {}
    types: set[str] = set()
    for line, row in _rows(path, AVAILABILITY_COLUMNS):
        moment = _seconds(row["time_utc"], line, "time_utc")
        zone = cells.setdefault(_text(row["az"], line, "az"), {})
        if moment in zone:
            raise _refusal(line, "time_utc", f"{row['time_utc']} comes twice for {row['az']}")
        flag = _flag(row["available"], line)
        zone[moment] = (flag, _price(row["spot_price"], line, "spot_price"))
        types.add(_text(row["instance_type"], line, "instance_type"))
    _one_type(types)
    times = _grid(cells)
    zones = tuple(sorted(cells))
    return Trace(
        zones=zones,
        instance_type=types.pop(),
        times=times,
        available=np.array([[cells[zone][int(t)][0] for t in times] for zone in zones], dtype=bool),
        price=np.array([[cells[zone][int(t)][1] for t in times] for zone in zones]),
        tick_seconds=int(times[1] - times[0]),
    )


def read_prices(path: Path, *, tick_seconds: int = 300) -> dict[str, Trace]:
    """Read ``availability_zone,instance_type,timestamp,spot_price``: a trace for each type.

    A price holds until the next one. Such a file says nothing of capacity: every pool counts as
    available from its first price on.

    Args:
        path: The file, plain or gzipped.
        tick_seconds: Of the grid, 60..86,400.

    Raises:
        InvalidRequest: the file cannot be read, or names line and column of what is wrong.
    """
    if not 60 <= tick_seconds <= 86_400:  # noqa: PLR2004 - a minute, a day
        raise InvalidRequest("tick_seconds must be from 60 to 86400", field="tick_seconds")
    points: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line, row in _rows(path, PRICE_COLUMNS):
        zone = _text(row["availability_zone"], line, "availability_zone")
        kind = _text(row["instance_type"], line, "instance_type")
        point = (
            _seconds(row["timestamp"], line, "timestamp"),
            _price(row["spot_price"], line, "spot_price"),
        )
        points.setdefault(kind, {}).setdefault(zone, []).append(point)
    moments = [moment for pools in points.values() for pool in pools.values() for moment, _ in pool]
    times = np.arange(min(moments), max(moments) + 1, tick_seconds, dtype=np.int64)
    most = max(len(pools) for pools in points.values())
    if len(times) * most > MOST_CELLS:
        raise InvalidRequest(f"{path}: {len(times)} ticks of {most} pools are too many")
    return {kind: _held(kind, pools, times, tick_seconds) for kind, pools in sorted(points.items())}


def _held(
    kind: str,
    pools: Mapping[str, list[tuple[int, float]]],
    times: NDArray[np.int64],
    tick_seconds: int,
) -> Trace:
    zones = tuple(sorted(pools))
    price = np.full((len(zones), len(times)), np.nan)
    for number, zone in enumerate(zones):
        known = sorted(pools[zone])
        moments = np.array([moment for moment, _ in known])
        values = np.array([value for _, value in known])
        at = np.searchsorted(moments, times, side="right") - 1
        price[number, at >= 0] = values[at[at >= 0]]
    return Trace(zones, kind, times, ~np.isnan(price), price, tick_seconds)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows with the number of their line.

    Raises:
        InvalidRequest: no such file, no text, a column is missing, or no rows.
    """
    count = 0
    try:
        with _open(path) as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise _refusal(1, ", ".join(missing), f"is missing; {', '.join(columns)} are asked")
            for row in reader:
                count += 1
                yield reader.line_num, row
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"{path} cannot be read: {error}", field="trace") from error
    if not count:
        raise InvalidRequest(f"{path} holds no rows", field="trace")


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8", newline="") as file:
            yield file


def _grid(cells: Mapping[str, Mapping[int, object]]) -> NDArray[np.int64]:
    """Return the instants that all zones have.

    Raises:
        InvalidRequest: zones have different instants, there is one only, or the steps differ.
    """
    first, moments = next((zone, sorted(pool)) for zone, pool in sorted(cells.items()))
    for zone, pool in sorted(cells.items()):
        if len(pool) != len(moments) or any(moment not in pool for moment in moments):
            raise InvalidRequest(
                f"time_utc: {zone} has other instants than {first}; all zones need the same",
                field="time_utc",
            )
    steps = {later - earlier for earlier, later in pairwise(moments)}
    if len(steps) != 1:
        found = ", ".join(str(step) for step in sorted(steps)[:5]) or "none, with one instant"
        raise InvalidRequest(
            f"time_utc: all steps must be equal, found (seconds): {found}", field="time_utc"
        )
    return np.array(moments, dtype=np.int64)


def _one_type(types: set[str]) -> None:
    if len(types) > 1:
        names = ", ".join(sorted(types)[:5])
        raise InvalidRequest(
            f"instance_type: one type is asked, found {names}", field="instance_type"
        )


def _text(value: str | None, line: int, column: str) -> str:
    if not value:
        raise _refusal(line, column, "is empty")
    return value


def _seconds(value: str | None, line: int, column: str) -> int:
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError as error:
        raise _refusal(line, column, f"{value!r:.40} is no ISO time") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp())


def _flag(value: str | None, line: int) -> bool:
    if value not in ("0", "1"):
        raise _refusal(line, "available", f"{value!r:.40} is neither 0 nor 1")
    return value == "1"


def _price(value: str | None, line: int, column: str) -> float:
    try:
        price = float(value or "")
    except ValueError as error:
        raise _refusal(line, column, f"{value!r:.40} is no number") from error
    if not 0 < price < DEAREST:
        raise _refusal(line, column, f"{value!r:.40} is not between 0 and {DEAREST:.0f} USD/h")
    return price


def _refusal(line: int, column: str, sentence: str) -> InvalidRequest:
    return InvalidRequest(f"line {line}, column {column}: {sentence}", field=column)
