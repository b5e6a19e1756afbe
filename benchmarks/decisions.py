"""What deciding about a fleet costs: ``python -m benchmarks.decisions [--quick]``.

A pass reads the fleet, asks the engine, guards, orders and writes everything down, on a private
server with the product's own options. The model behind the ML engine is a stand-in that answers at
once: starting a sandbox and scoring in it are not measured here.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from backend.clock import Clock, SystemClock
from backend.config import Settings, read_settings
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.migrations import Migrator
from backend.db.open import open_database
from backend.db.session import Params
from backend.db.statements import beside
from backend.services.decisions import Decisions
from backend.services.engine_choice import build_host
from decision_engines.contract import HazardModel, HazardScores

_SQL = beside(__file__)

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CLIENTS, SIZES, PASSES, ASKED = 10, 5, 3, 200
PASS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One fleet under one engine."""

    engine: str
    agents: int
    first_pass_seconds: float
    pass_seconds: float
    ordered: int
    decisions: int
    label_seconds: float
    one_decision_p50_ms: float
    one_decision_p99_ms: float


class StandInModel:
    """Answers a chance for every row at once, from the age of the pool alone."""

    def score(self, features: Sequence[Mapping[str, float]]) -> HazardScores:
        """Return falling chances for rising ages."""
        chances = [0.3 * math.exp(-row["log_age_hours"]) for row in features]
        return HazardScores(chances, "stand-in", timedelta(minutes=30))


def measure(folder: Path, clock: Clock, *, agents: int, model: HazardModel | None) -> Figures:
    """Decide a few times about so many agents, then one by one, then label."""
    name = f"decisions_{agents}_{'ml' if model else 'rules'}"
    with _fleet(folder, clock, name, agents) as (database, settings):
        host = build_host(settings, clock, model)
        decisions = Decisions(database, clock, host)
        seconds, ordered, now = [], 0, START
        for _ in range(PASSES):
            begun = clock.monotonic()
            ordered += decisions.decide_fleet(now=now).ordered
            seconds.append(clock.monotonic() - begun)
            now += PASS
            _run(database, "touch_prices", now=now)
        asked = []
        for number in range(ASKED):
            begun = clock.monotonic()
            decisions.recommend(f"client-{number % CLIENTS}", f"agent-{number}")
            asked.append(clock.monotonic() - begun)
        begun = clock.monotonic()
        decisions.label_outcomes(now=START + timedelta(hours=2))
        label_seconds = clock.monotonic() - begun
        row = database.run("count_rows", lambda s: s.row(_SQL["count_rows"])) or {}
        return Figures(
            engine="ml" if model else "rules",
            agents=agents,
            first_pass_seconds=seconds[0],
            pass_seconds=median(seconds),
            ordered=ordered,
            decisions=int(row["decision_count"]),
            label_seconds=label_seconds,
            one_decision_p50_ms=median(asked) * 1000,
            one_decision_p99_ms=sorted(asked)[int(len(asked) * 0.99)] * 1000,
        )


@contextmanager
def _fleet(
    folder: Path, clock: Clock, name: str, agents: int
) -> Iterator[tuple[Database, Settings]]:
    environment = {"LOCAL_DIR": str(folder), "DB_NAME": name, "SECRET_KEY": "only-for-a-benchmark"}
    settings = read_settings(environment, None)
    server = LocalServer(
        settings.local_dir / "mysql", database=settings.db_name, user=settings.db_user
    )
    address = server.start()
    try:
        Migrator(address, clock).up()
        database = open_database(settings, clock, address)
        numbers = json.dumps(list(range(agents)))
        _run(database, "insert_clients", clients=json.dumps(list(range(CLIENTS))), now=START)
        _run(database, "insert_pools", sizes=json.dumps(list(range(1, SIZES + 1))), now=START)
        _run(database, "insert_prices", now=START)
        _run(database, "insert_ondemand", now=START)
        _run(database, "insert_agents", numbers=numbers, client_count=CLIENTS, now=START)
        _run(database, "insert_configs", now=START)
        _run(database, "insert_instances", numbers=numbers, size_count=SIZES, now=START)
        yield database, settings
        database.close()
    finally:
        server.stop(even_if_shared=True)


def _run(database: Database, name: str, **params: object) -> None:
    values: Params = params
    database.run(name, lambda s: s.run(_SQL[name], values))


def main(arguments: list[str]) -> int:
    """Measure three fleets under both engines and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    scale = 10 if options.quick else 1
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="spot-decisions-") as name:
        # The server gives up its rights: its account must be able to enter.
        Path(name).chmod(0o755)
        figures = [
            asdict(measure(Path(name) / "local", clock, agents=size // scale, model=model))
            for model in (None, StandInModel())
            for size in (2_500, 5_000, 10_000)
        ]
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
