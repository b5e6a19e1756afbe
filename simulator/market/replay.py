"""A market replayed from a CSV file of real prices, and of availability if the file knows it.

Two formats, each with a header, plain or gzipped:
``time_utc, az, instance_type, available, spot_price`` and
``availability_zone, instance_type, timestamp, spot_price``. Prices are USD per hour.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, NamedTuple

from simulator.clock import MarketTime
from simulator.errors import SimulatorError
from simulator.market.series import PriceSeries
from simulator.pools import Pool

HEARTBEAT = timedelta(hours=24)
_AZ = ("az", "availability_zone")
_TIME = ("time_utc", "timestamp")


class Observation(NamedTuple):
    """One row of a file."""

    pool: Pool
    instant: datetime
    price: Decimal
    available: bool


def read_observations(
    path: Path, *, region: str, instance_types: frozenset[str] | None = None
) -> list[Observation]:
    """Read the rows of one region, in order of time.

    Raises:
        SimulatorError: the file cannot be read, a column is missing, or nothing is left.
    """
    try:
        with _opened(path) as lines:
            rows = list(_parsed(csv.DictReader(lines), path))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}"
        raise SimulatorError(msg) from error
    kept = [
        row
        for row in rows
        if row.pool.az[:-1] == region
        and (instance_types is None or row.pool.instance_type in instance_types)
    ]
    if not kept:
        found = ", ".join(sorted({row.pool.az[:-1] for row in rows})) or "none"
        msg = (
            f"{path} has no row of region {region} and the wanted instance types; its regions are "
            f"{found}"
        )
        raise SimulatorError(msg)
    return sorted(kept, key=lambda row: row.instant)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _parsed(rows: "csv.DictReader[str]", path: Path) -> Iterator[Observation]:
    names = rows.fieldnames or ()
    az = next((name for name in _AZ if name in names), None)
    time = next((name for name in _TIME if name in names), None)
    if az is None or time is None or not {"instance_type", "spot_price"} <= set(names):
        msg = f"{path}: needs the columns az, instance_type, timestamp and spot_price, has {names}"
        raise SimulatorError(msg)
    for row in rows:
        try:
            yield _observation(row, az, time)
        except (ValueError, TypeError) as error:  # TypeError: a short line has no such value
            msg = f"{path} line {rows.line_num}: {error}"
            raise SimulatorError(msg) from error


def _observation(row: Mapping[str, str], az: str, time: str) -> Observation:
    instant = datetime.fromisoformat(row[time])
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    available = row.get("available", "1") != "0"
    return Observation(Pool(row["instance_type"], row[az]), aware, _price(row), available)


def _price(row: Mapping[str, str]) -> Decimal:
    """Return the row's price.

    Raises:
        ValueError: it is no number greater than 0.
    """
    try:
        price = Decimal(row["spot_price"])
    except InvalidOperation:
        price = Decimal(0)
    if not (price.is_finite() and price > 0):
        msg = f"spot_price: a number greater than 0 is needed, not {row['spot_price']!r}"
        raise ValueError(msg)
    return price


class ReplayMarket:
    """Prices and availability as the file has them; after its end they stay as they were."""

    def __init__(
        self, observations: Sequence[Observation], start: datetime, market_time: MarketTime
    ) -> None:
        """Play the file so that the market's origin falls on its instant ``start``.

        Raises:
            SimulatorError: ``start`` is outside the file.
        """
        first, last = observations[0].instant, observations[-1].instant
        if not first <= start <= last:
            msg = f"the replay must start between {first.isoformat()} and {last.isoformat()}"
            raise SimulatorError(msg)
        self._prices: dict[Pool, PriceSeries] = {}
        self._states: dict[Pool, list[tuple[datetime, bool]]] = {}
        newest: dict[Pool, Observation] = {}
        for seen in observations:
            at = market_time.instant_of((seen.instant - start).total_seconds())
            self._note_price(seen, at, newest)
            states = self._states.setdefault(seen.pool, [])
            if not states or states[-1][1] != seen.available:
                states.append((at, seen.available))

    @property
    def pools(self) -> Sequence[Pool]:
        """Every pool of the file, in a stable order."""
        return sorted(self._prices)

    def advance(self, now: datetime) -> None:
        """Do nothing: the file knows it all; readers ask up to an instant."""

    def prices(self, pool: Pool) -> PriceSeries:
        """Return all prices of the file, future ones too: ask for those up to now."""
        return self._prices[pool]

    def set_price(self, pool: Pool, price: Decimal, now: datetime) -> None:
        """Refuse: what is replayed has happened."""
        msg = f"prices are replayed from a file; {pool} cannot be set to {price} at {now}"
        raise SimulatorError(msg)

    def is_available(self, pool: Pool, now: datetime) -> bool:
        """Whether the file says that the pool could be launched; unknown before its first row."""
        known = [state for at, state in self._states.get(pool, []) if at <= now]
        return known[-1] if known else pool in self._states

    def _note_price(self, seen: Observation, at: datetime, newest: dict[Pool, Observation]) -> None:
        """Keep changes, and the daily repetition of an unchanged price, as EC2 answers them."""
        last = newest.get(seen.pool)
        is_repetition = last is not None and last.price == seen.price
        if is_repetition and last is not None and seen.instant - last.instant < HEARTBEAT:
            return
        series = self._prices.setdefault(seen.pool, PriceSeries())
        if last is None or seen.instant > last.instant:
            series.append(at, seen.price)
            newest[seen.pool] = seen
