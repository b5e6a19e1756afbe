"""What a pass over the fleet costs, and how it grows: ``python -m benchmarks.coordinator [--quick]``.

The passes are those of the jobs ``coordinate_replicas`` and ``detect_losses``, over a private
database with the product's own options.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.config import Settings, read_settings
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.migrations import Migrator
from backend.db.open import open_database
from backend.db.session import Params
from backend.db.statements import beside
from backend.services.coordinator import Coordinator
from backend.services.losses import LossDetection
from backend.services.standby_upkeep import StandbyUpkeep

_SQL = beside(__file__)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLIENTS = 20
TARGET_SECONDS = 2.0
BUFFER_POOL = "256M"
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFigures:
    """Seconds of one pass over a fleet of so many agents, each with a ready standby.

    Attributes:
        idle_seconds: Nothing is to be done: the best of three, as nearly every pass is.
        lost_seconds: A tenth of the standbys fell silent: each is ended and replaced.
        lost_rows: Standbys ended and ordered by that.
        off_seconds: Nobody wants a standby any more: as many are ended as a pass changes at most.
        off_rows: Standbys ended by that.
        watch_seconds: One run of loss detection, the best of three.
    """

    agents: int
    idle_seconds: float
    lost_seconds: float
    lost_rows: int
    off_seconds: float
    off_rows: int
    watch_seconds: float


def measure(folder: Path, clock: Clock, *, agents: int) -> PassFigures:
    """Measure the passes over a fleet of this size."""
    environment = {
        "LOCAL_DIR": str(folder),
        "DB_NAME": f"fleet_{agents}",
        "SECRET_KEY": "only-for-a-benchmark",
    }
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
        _fill(database, agents)
        figures = _measure(database, settings, clock, agents)
        database.close()
        return figures
    finally:
        server.stop(even_if_shared=True)


def _measure(database: Database, settings: Settings, clock: Clock, agents: int) -> PassFigures:
    def coordinate() -> int:
        upkeep = StandbyUpkeep(database, clock)
        upkeep.finish_promotions(NOW)
        upkeep.close_events(NOW)
        upkeep.finish_endings(NOW)
        silence = settings.heartbeat_timeout
        return Coordinator(database).coordinate(now=NOW, silence=silence).rows

    def watch() -> int:
        return LossDetection(database, settings).detect(now=NOW).taken_up

    idle = min(_timed(clock, coordinate)[0] for _ in range(ROUNDS))
    watched = min(_timed(clock, watch)[0] for _ in range(ROUNDS))
    _run(database, "silence_standbys", heard_at=NOW - timedelta(minutes=5))
    lost, lost_rows = _timed(clock, coordinate)
    _run(database, "end_manual_mode")
    off, off_rows = _timed(clock, coordinate)
    return PassFigures(
        agents=agents,
        idle_seconds=idle,
        lost_seconds=lost,
        lost_rows=lost_rows,
        off_seconds=off,
        off_rows=off_rows,
        watch_seconds=watched,
    )


def _fill(database: Database, agents: int) -> None:
    _run(database, "insert_clients", numbers=_numbers(CLIENTS), now=NOW)
    _run(database, "insert_pools", now=NOW)
    _run(database, "insert_knowledge", now=NOW)
    _run(database, "insert_agents", numbers=_numbers(agents), clients=CLIENTS, now=NOW)
    _run(database, "insert_configs", now=NOW)
    _run(database, "insert_primaries", now=NOW)
    _run(database, "insert_standbys", ordered_at=NOW - timedelta(days=1))
    _run(database, "insert_standby_instances", now=NOW)
    _run(database, "arm_watch", at=NOW.isoformat(), now=NOW)


def _numbers(count: int) -> str:
    return json.dumps(list(range(count)))


def _timed(clock: Clock, work: Callable[[], int]) -> tuple[float, int]:
    begun = clock.monotonic()
    rows = work()
    return clock.monotonic() - begun, rows


def _run(database: Database, name: str, **params: object) -> None:
    values: Params = params
    database.run(name, lambda s: s.run(_SQL[name], values))


def main(arguments: list[str]) -> int:
    """Measure three sizes, print them as JSON; 1 when a pass over the largest is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    scale = 10 if options.quick else 1
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="spot-coordinator-") as name:
        # The server gives up its rights: its account must be able to enter.
        Path(name).chmod(0o755)
        figures = [
            measure(Path(name) / "local", clock, agents=size // scale)
            for size in (2_500, 5_000, 10_000)
        ]
    text = json.dumps([asdict(one) for one in figures], indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    largest = figures[-1]
    slowest = max(largest.idle_seconds, largest.lost_seconds, largest.off_seconds)
    return int(slowest > TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
