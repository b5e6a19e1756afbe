"""What cleaning prices costs, and how it grows: ``python -m benchmarks.prices [--quick]``.

Every figure is taken on a database of its own, on a private server with the product's own options
and a buffer pool that a million rows fit into, as a database server for such a fleet has.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from backend.clock import Clock, SystemClock
from backend.config import read_settings
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.migrations import Migrator
from backend.db.open import open_database
from backend.db.session import Params
from backend.db.statements import beside
from backend.domain.prices import BUCKET
from backend.services.pool_choice import PoolChoice
from backend.services.price_quality import PriceQuality

_SQL = beside(__file__)

START = datetime(2026, 3, 2, tzinfo=UTC)
CLIENTS, POOLS, REPORTS = 10, 25, 5  # each client reports 25 shared and 25 own pools, 5 times
SLICES = 9
BUFFER_POOL = "1G"
SERIES_CLIENTS, SERIES_POOLS = 10, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFigures:
    """Seconds, unless the name says otherwise."""

    raw_rows: int
    clean_points: int
    dedup_seconds: float
    slice_raw_rows: int
    slice_milliseconds: float
    reliability_pools: int
    reliability_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFigures:
    """A scan of clean points for gaps, with the fills that it wrote."""

    clean_points: int
    fills: int
    seconds: float
    repeat_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfoldFigures:
    """Reports of six prices each that were taken in, spread over the price tables."""

    reports: int
    seconds: float


def measure(folder: Path, clock: Clock, *, raw_rows: int) -> PriceFigures:
    """Deduplicate so many raw rows at once, then minute after minute of new ones."""
    buckets = raw_rows // (CLIENTS * 2 * POOLS * REPORTS)
    with _market(folder, clock, f"prices_{raw_rows}", CLIENTS, POOLS, buckets) as database:
        for step in range(buckets):
            _report(database, step, range(REPORTS))
        quality = PriceQuality(database)
        end = START + BUCKET * buckets
        begun = clock.monotonic()
        quality.deduplicate(now=end, since=START - BUCKET)
        dedup_seconds = clock.monotonic() - begun
        slices = []
        for number in range(SLICES):
            _report(database, buckets + number // REPORTS, [number % REPORTS])
            minute = end + timedelta(minutes=number)
            begun = clock.monotonic()
            quality.deduplicate(now=minute + timedelta(minutes=1), since=minute)
            slices.append(clock.monotonic() - begun)
        begun = clock.monotonic()
        pools = PoolChoice(database).refresh(now=end)
        return PriceFigures(
            raw_rows=buckets * CLIENTS * 2 * POOLS * REPORTS,
            clean_points=_count(database, "count_points"),
            dedup_seconds=dedup_seconds,
            slice_raw_rows=CLIENTS * 2 * POOLS,
            slice_milliseconds=median(slices) * 1000,
            reliability_pools=pools,
            reliability_seconds=clock.monotonic() - begun,
        )


def measure_gaps(folder: Path, clock: Clock, *, points: int) -> GapFigures:
    """Scan so many clean points for gaps: one bucket of twenty-five is followed by a short one."""
    count = points // (SERIES_CLIENTS * 2 * SERIES_POOLS)
    steps = [step + 4 * (step // 25) for step in range(count)]
    with _market(
        folder, clock, f"gaps_{points}", SERIES_CLIENTS, SERIES_POOLS, steps[-1] + 1
    ) as database:
        end = START + BUCKET * (steps[-1] + 1)
        for step in steps:
            _run(database, "insert_points", bucket_at=START + BUCKET * step, step=step, now=end)
        seconds = []
        for _ in range(2):
            begun = clock.monotonic()
            PriceQuality(database).interpolate(now=end, since=START)
            seconds.append(clock.monotonic() - begun)
        return GapFigures(
            clean_points=_count(database, "count_points"),
            fills=_count(database, "count_fills"),
            seconds=seconds[0],
            repeat_seconds=seconds[1],
        )


def measure_unfolding(folder: Path, clock: Clock, *, reports: int) -> UnfoldFigures:
    """Unfold so many pending reports, what a minute of a busy fleet leaves behind."""
    with _market(folder, clock, f"unfold_{reports}", CLIENTS, POOLS, 1) as database:
        numbers = list(range(reports // (CLIENTS * POOLS // 5)))
        _run(database, "insert_pending", numbers=json.dumps(numbers), bucket_at=START, now=START)
        begun = clock.monotonic()
        count = PriceQuality(database).unfold_reports()
        return UnfoldFigures(reports=count, seconds=clock.monotonic() - begun)


@contextmanager
def _market(
    folder: Path, clock: Clock, name: str, clients: int, pools: int, buckets: int
) -> Iterator[Database]:
    environment = {"LOCAL_DIR": str(folder), "DB_NAME": name, "SECRET_KEY": "only-for-a-benchmark"}
    settings = read_settings(environment, None)
    server = LocalServer(
        settings.local_dir / "mysql",
        database=settings.db_name,
        user=settings.db_user,
        options={"innodb-buffer-pool-size": BUFFER_POOL},
    )
    address = server.start()
    try:
        Migrator(address, clock).up()
        database = open_database(settings, clock, address)
        now = START + BUCKET * buckets
        _run(database, "insert_clients", clients=json.dumps(list(range(clients))), now=now)
        numbers = json.dumps(list(range(1, pools + 1)))
        _run(database, "insert_shared_pools", pools=numbers, now=now)
        _run(database, "insert_own_pools", pools=numbers, now=now)
        _run(database, "insert_knowledge", now=now)
        yield database
        database.close()
    finally:
        server.stop(even_if_shared=True)


def _report(database: Database, step: int, numbers: Iterable[int]) -> None:
    _run(
        database,
        "insert_reports",
        bucket_at=START + BUCKET * step,
        step=step,
        numbers=json.dumps(list(numbers)),
    )


def _run(database: Database, name: str, **params: object) -> None:
    values: Params = params
    database.run(name, lambda s: s.run(_SQL[name], values))


def _count(database: Database, name: str) -> int:
    row = database.run(name, lambda s: s.row(_SQL[name]))
    return int(row["row_count"]) if row else 0


def main(arguments: list[str]) -> int:
    """Measure three sizes of each and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    scale = 10 if options.quick else 1
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="spot-prices-") as name:
        # The server gives up its rights: its account must be able to enter.
        Path(name).chmod(0o755)
        folder = Path(name) / "local"
        figures = {
            "unfold": [
                asdict(measure_unfolding(folder, clock, reports=size // scale))
                for size in (10_000, 20_000, 40_000)
            ],
            "dedup": [
                asdict(measure(folder, clock, raw_rows=size // scale))
                for size in (250_000, 500_000, 1_000_000)
            ],
            "gaps": [
                asdict(measure_gaps(folder, clock, points=size // scale))
                for size in (8_750, 17_500, 35_000)
            ],
        }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
