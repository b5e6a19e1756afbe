"""Compare web servers under the product: ``python benchmarks/servers.py [--bursts N] --json FILE``.

For each: throughput of a heartbeat and of the ceiling, whether a stop lets a request in flight end,
and how many of N fresh starts met their first burst of load without an error.
"""

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(p for p in sys.path if not p or Path(p).resolve() != _HERE)]

import argparse  # noqa: E402 - only now is the path right
import json  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from contextlib import ExitStack  # noqa: E402
from statistics import median  # noqa: E402
from typing import Any  # noqa: E402

from rich.console import Console  # noqa: E402

from backend.clock import Clock, SystemClock  # noqa: E402
from backend.config import Settings  # noqa: E402
from backend.serve.web import DRAIN_SECONDS, web_command  # noqa: E402
from benchmarks import web, wrk  # noqa: E402
from benchmarks.lanes import Run, open_lane  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.stage import Stage, staged  # noqa: E402
from benchmarks.stopping import finishes_what_is_in_flight  # noqa: E402

ENDPOINT = "heartbeat"
ROUNDS = 5
SECONDS = 1.0


def granian(threads: int, *further: str) -> web.Command:
    """Return the product's own command with another number of threads."""

    def command(settings: Settings) -> list[str]:
        return [*web_command(settings.model_copy(update={"web_threads": threads})), *further]

    return command


def gunicorn(threads: int) -> web.Command:
    """Return gunicorn's command: worker processes with threads."""

    def command(settings: Settings) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--keep-alive=75"),
            *(f"--workers={settings.web_workers}", f"--threads={threads}"),
            *(f"--bind={settings.host}:{settings.port}", f"--graceful-timeout={DRAIN_SECONDS}"),
            *("--log-level=error", "backend.wsgi:app"),
        ]

    return command


SERVERS: Mapping[str, web.Command] = {
    "granian 2x4": granian(4),
    "granian 2x8": granian(8),
    "granian 2x16": granian(16),
    "granian 2x8, back-pressure 16": granian(8, "--backpressure=16"),
    "gunicorn 2x16": gunicorn(16),
}


def main() -> int:
    """Measure, print, write the file."""
    parser = argparse.ArgumentParser(description="Compare web servers under the product.")
    parser.add_argument("--bursts", type=int, default=0, help="fresh starts under a burst, each")
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--only", choices=SERVERS, action="append", help="default: all")
    options = parser.parse_args()
    servers = {name: SERVERS[name] for name in options.only or SERVERS}
    console, clock = Console(width=120), SystemClock()
    folder = Path(tempfile.mkdtemp(prefix="spot-bench-"))
    folder.chmod(0o755)
    try:
        with staged(folder, (200,), clock) as (stage,):
            found = {
                name: _judge(stage, clock, command, options.bursts)
                for name, command in servers.items()
            }
            _compare(stage, clock, servers, found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, figures in found.items():
        console.print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    document = {"machine": describe_machine(), "endpoint": ENDPOINT, "servers": found}
    options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _judge(stage: Stage, clock: Clock, command: web.Command, bursts: int) -> dict[str, Any]:
    """Return what does not depend on the other servers: how it stops and how it starts."""
    clean = 0
    for _ in range(bursts):
        with web.product(stage, command) as served:
            token = stage.token.text
            reading = wrk.load(ENDPOINT, port=served.port, size=200, token=token, seconds=1)
        clean += reading.errors == 0 and reading.requests > 0
    figures: dict[str, Any] = {
        "finishes_what_is_in_flight": finishes_what_is_in_flight(stage, clock, command)
    }
    return {**figures, "clean_bursts": f"{clean} of {bursts}"} if bursts else figures


def _compare(
    stage: Stage,
    clock: Clock,
    servers: Mapping[str, web.Command],
    found: dict[str, dict[str, Any]],
) -> None:
    """Add throughput, in rounds over all servers, so that drift of the machine cancels."""
    with ExitStack() as stack:
        lanes = {}
        for name, command in servers.items():
            own = web.on_another_port(stage)
            lanes[name] = stack.enter_context(open_lane(own, clock, command))
        rounds: dict[str, list[tuple[Run, Run]]] = {name: [] for name in lanes}
        for number in range(ROUNDS + 1):
            for name, lane in lanes.items():
                pair = (lane.load_product(ENDPOINT, SECONDS)[0], lane.load_ceiling(SECONDS))
                if number:  # the first round warms up
                    rounds[name].append(pair)
    first = rounds[next(iter(rounds))]
    for name, pairs in rounds.items():
        both = list(zip(pairs, first, strict=True))
        found[name] |= {
            "rps": round(median(run.reading.rps for run, _ in pairs)),
            "p50_ms": round(median(run.reading.p50_ms for run, _ in pairs), 1),
            "p99_ms": round(median(run.reading.p99_ms for run, _ in pairs), 1),
            "web_us": round(median(run.web_us for run, _ in pairs)),
            "against_first": round(
                median(a.reading.rps / max(1, b.reading.rps) for (a, _), (b, _) in both), 2
            ),
            "ceiling_against_first": round(
                median(a.reading.rps / max(1, b.reading.rps) for (_, a), (_, b) in both), 2
            ),
            "errors": sum(a.reading.errors + b.reading.errors for a, b in pairs),
        }


if __name__ == "__main__":
    sys.exit(main())
