"""The benchmark: ``python benchmarks/run.py [--quick] --json FILE``.

Loads the calls that agents make all the time, and beside each of them the ceiling: a bare Flask app
with one indexed UPDATE, under the same web server on the same machine in the same minute.
"""

import sys
from pathlib import Path

# Python puts this file's folder first on the path; the packages lie in the folder above.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(p for p in sys.path if not p or Path(p).resolve() != _HERE)]

import argparse  # noqa: E402 - only now is the path right
import json  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from contextlib import ExitStack  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from math import ceil  # noqa: E402
from typing import Any  # noqa: E402

from rich.console import Console  # noqa: E402

from backend.clock import Clock, SystemClock  # noqa: E402
from backend.errors import SpotOptimizerError  # noqa: E402
from backend.serve.web import web_command  # noqa: E402
from benchmarks.figures import ENDPOINTS, Figures, figures_of, growth, missed  # noqa: E402
from benchmarks.lanes import Lane, Run, open_lane  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.report import print_growth, print_results  # noqa: E402
from benchmarks.stage import staged  # noqa: E402
from benchmarks.web import NotReady  # noqa: E402
from benchmarks.where import where_time_goes  # noqa: E402
from benchmarks.wrk import CONNECTIONS, LoadFailed, find_wrk  # noqa: E402

WARM_UP_SECONDS = 1.0
# A web process remembers what it answered an agent's sync. wrk spreads an agent's syncs over the
# processes by chance: after six passes over the fleet both of two know nearly everybody (1 - 2**-6).
SYNC_PASSES = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: fleets, rounds, and seconds for each run of load."""

    sizes: tuple[int, ...]
    rounds: int
    seconds: float


FULL = Plan(sizes=(200, 10_000), rounds=7, seconds=2)
QUICK = Plan(sizes=(200,), rounds=5, seconds=1)


def main() -> int:
    """Measure, print, write the file; 1 when there was any error or a write was lost."""
    options = _options()
    plan = QUICK if options.quick else FULL
    console = Console(width=None if sys.stdout.isatty() else 120)
    folder = Path(tempfile.mkdtemp(prefix="spot-bench-"))
    folder.chmod(0o755)  # the database's own account has to reach its folder inside
    try:
        find_wrk()
        document, problems = _measure(plan, folder, options.endpoints, console)
    except (LoadFailed, NotReady, SpotOptimizerError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the calls that agents make all the time.")
    parser.add_argument("--quick", action="store_true", help="one small fleet, short runs")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("endpoints", nargs="*", choices=[*ENDPOINTS, []], help="default: all")
    options = parser.parse_args()
    options.endpoints = options.endpoints or list(ENDPOINTS)
    return options


def _measure(
    plan: Plan, folder: Path, endpoints: Sequence[str], console: Console
) -> tuple[dict[str, Any], list[str]]:
    clock = SystemClock()
    machine = describe_machine()
    results: dict[int, dict[str, Figures]] = {size: {} for size in plan.sizes}
    shares: dict[str, float | None] = {}
    problems: list[str] = []
    with ExitStack() as stack:
        stages = stack.enter_context(staged(folder, plan.sizes, clock))
        lanes = [stack.enter_context(open_lane(stage, clock)) for stage in stages]
        for endpoint in endpoints:
            console.print(f"{endpoint} ...", style="dim")
            rounds, found = _interleaved(lanes, endpoint, plan)
            problems += found
            shares[endpoint] = growth(rounds)
            for lane, own in zip(lanes, rounds, strict=True):
                results[lane.stage.size][endpoint] = figures_of(own, len(found))
        print_results(console, results)
        print_growth(console, shares)
        for problem in problems:
            console.print(f"problem: {problem}", style="red", markup=False)
        places = _print_missed(console, results, lanes[0], clock)
    document = {
        "machine": machine,
        "server": [
            word.replace(sys.executable, "python") for word in web_command(stages[0].settings)
        ],
        "pool_size": stages[0].settings.db_pool_size,
        "connections": CONNECTIONS,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "fleets": {
            str(size): {endpoint: found.as_json() for endpoint, found in figures.items()}
            for size, figures in results.items()
        },
        "largest_against_smallest": shares,
        "where_time_goes": places,
        "problems": problems,
    }
    return document, problems


def _interleaved(
    lanes: Sequence[Lane], endpoint: str, plan: Plan
) -> tuple[list[list[tuple[Run, Run]]], list[str]]:
    """Return, for each lane, its rounds of (endpoint, ceiling), and what went wrong."""
    problems: list[str] = []
    for lane in lanes:
        problems += _warm_up(lane, endpoint)
    rounds: list[list[tuple[Run, Run]]] = [[] for _ in lanes]
    for _ in range(plan.rounds):
        for lane, own in zip(lanes, rounds, strict=True):
            run, found = lane.load_product(endpoint, plan.seconds)
            own.append((run, lane.load_ceiling(plan.seconds)))
            problems += found
    return rounds, problems


def _warm_up(lane: Lane, endpoint: str) -> list[str]:
    """Load until what is measured is the state that a fleet is in all day; return problems."""
    lane.load_ceiling(WARM_UP_SECONDS)
    run, problems = lane.load_product(endpoint, WARM_UP_SECONDS)
    if endpoint != "sync":
        return problems
    seconds = ceil(SYNC_PASSES * lane.stage.size / max(1.0, run.reading.rps))
    return problems + lane.load_product(endpoint, seconds)[1]


def _print_missed(
    console: Console, results: dict[int, dict[str, Figures]], lane: Lane, clock: Clock
) -> dict[str, dict[str, float]]:
    """Say for each call that misses a target by how much, and where its time goes."""
    places: dict[str, dict[str, float]] = {}
    for size, figures in results.items():
        for endpoint, found in figures.items():
            phrases = missed(endpoint, found)
            if not phrases:
                continue
            console.print(f"{endpoint}, {size:,} agents: {'; '.join(phrases)}", style="yellow")
            if endpoint not in places:
                places[endpoint] = where_time_goes(lane.stage, endpoint, clock)
                for part, share in sorted(places[endpoint].items(), key=lambda item: -item[1]):
                    console.print(f"  {share:>4.0%}  {part}")
    return places


if __name__ == "__main__":
    sys.exit(main())
