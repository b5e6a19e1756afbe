"""What dashboards wait for: ``python -m benchmarks.dashboard_routes [--large | --quick]``.

Every GET route that operators may call, pages included, over a fleet with a past: 16 connections
that ask again as soon as they are answered, one route after the other. The web server and the
database run as ``serve`` runs them, on the machine that makes the load too.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from backend.app import create_app, guards_of
from backend.bootstrap import build_container
from backend.clock import Clock, SystemClock
from benchmarks import cpu, web
from benchmarks.dashboard_fleet import Fleet, dashboard_fleet
from benchmarks.machine import describe_machine
from benchmarks.wrk import LoadFailed, find_wrk

CALLERS = 16
LEAST_RATIO = 50.0
ASKED_ONE_BY_ONE = 500
KNOWN = {"agent_id": "agent-7", "client_id": "client-3", "instance_id": "i-7"}
QUERIES = {"/api/search": "?q=server-1"}
# Routes that answer about the whole fleet, or a whole client's: a loop would ask for each agent.
FLEET_WIDE = re.compile(
    r"/api/(admin/(stats|agents|instances|agent-health)|client/[^/]+(/agents.*|/instances)?)$"
)
# At the limit of one page, the largest answers that there are.
_UNREADY = {"/health", "/health/ready"}  # no jobs run here
_P99 = re.compile(r"^\s*99%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_P50 = re.compile(r"^\s*50%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_COUNT = re.compile(r"^\s*(\d+) requests in", re.MULTILINE)
_BAD = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_IN_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the target is a p99 in milliseconds."""

    agents: int
    prices: int
    seconds: int
    target_ms: float


PLAN = Plan(agents=2_000, prices=200_000, seconds=2, target_ms=100)
LARGE = Plan(agents=10_000, prices=5_000_000, seconds=2, target_ms=250)
QUICK = Plan(agents=200, prices=20_000, seconds=1, target_ms=100)


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """One route: latency from 16 callers, and processor time of the database for each request.

    ``ratio`` is how much less that is than one query for each agent that the answer is about; None
    for routes that are not about many agents.
    """

    route: str
    requests: int
    p50_ms: float
    p99_ms: float
    database_ms: float
    ratio: float | None
    errors: int


def measure(fleet: Fleet, clock: Clock, plan: Plan, only: str) -> Iterator[RouteFigures]:
    """Load every route in turn."""
    one_ms = _one_query_ms(fleet)
    with web.product(fleet.stage) as served:
        for route, path in routes(fleet, clock):
            if only not in route:
                continue
            _load(served.port, path, fleet.key, 1)  # caches and statements as in daily life
            before = cpu.of_process(fleet.database_pid)
            text = _load(served.port, path, fleet.key, plan.seconds)
            spent = cpu.of_process(fleet.database_pid) - before
            requests = int(_COUNT.search(text)[1])  # type: ignore[index]
            database_ms = spent * 1000 / max(1, requests)
            asked = _agents_of(route, fleet)
            yield RouteFigures(
                route=route,
                requests=requests,
                p50_ms=_milliseconds(_P50, text),
                p99_ms=_milliseconds(_P99, text),
                database_ms=round(database_ms, 3),
                ratio=round(one_ms * asked / max(database_ms, 0.001), 1) if asked else None,
                errors=0 if path in _UNREADY else _errors(text),
            )


def routes(fleet: Fleet, clock: Clock) -> Iterator[tuple[str, str]]:
    """Yield every GET route that operators may call, with an address of it."""
    stage = fleet.stage
    app = create_app(build_container(stage.settings, clock, stage.database))
    guards = guards_of(app)
    for rule in sorted(app.url_map.iter_rules(), key=lambda r: r.rule):
        guard = guards[rule.endpoint]
        is_read = "GET" in (rule.methods or ()) and not rule.rule.startswith("/openapi")
        if is_read and (guard.role or rule.rule in _UNREADY) and rule.arguments <= KNOWN.keys():
            path = re.sub(r"<(\w+)>", lambda found: KNOWN[found[1]], rule.rule)
            yield rule.rule, path + QUERIES.get(path, "")


def _agents_of(route: str, fleet: Fleet) -> int | None:
    """Return how many agents an answer is about: a loop would ask for each of them."""
    if not FLEET_WIDE.search(route):
        return None
    return fleet.agents if "/admin/" in route else fleet.agents // 4


def _one_query_ms(fleet: Fleet) -> float:
    """Return the database's processor time for one agent's row, asked for alone."""
    fleet.find_agent(0)
    before = cpu.of_process(fleet.database_pid)
    for _ in range(4):
        for number in range(ASKED_ONE_BY_ONE):
            fleet.find_agent(number % fleet.agents)
    return (cpu.of_process(fleet.database_pid) - before) * 1000 / (4 * ASKED_ONE_BY_ONE)


def _load(port: int, path: str, key: str, seconds: int) -> str:
    command = [
        *(find_wrk(), "-t1", f"-c{CALLERS}", f"-d{seconds}s", "--latency", "--timeout", "10s"),
        *("-H", f"X-Api-Key: {key}", f"http://127.0.0.1:{port}{path}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not _COUNT.search(done.stdout):
        raise LoadFailed(f"wrk failed on {path}: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout


def _milliseconds(pattern: re.Pattern[str], text: str) -> float:
    found = pattern.search(text)
    return float(found[1]) * _IN_MS[found[2]] if found else 0.0


def _errors(text: str) -> int:
    found = _BAD.search(text)
    return int(found[1] or 1) if found else 0


def _print(console: Console, plan: Plan, figures: list[RouteFigures]) -> None:
    table = Table(title=f"{plan.agents:,} agents, {plan.prices:,} prices", box=box.SIMPLE_HEAD)
    table.add_column("route")
    for heading in ("requests", "p50 ms", "p99 ms", "database ms", "a loop costs", "errors"):
        table.add_column(heading, justify="right")
    for row in figures:
        missed = row.p99_ms > plan.target_ms or row.errors
        missed = missed or (row.ratio is not None and row.ratio < LEAST_RATIO)
        table.add_row(
            *(row.route, str(row.requests), f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}"),
            *(f"{row.database_ms:.2f}", f"{row.ratio:.0f} x" if row.ratio else "", str(row.errors)),
            style="yellow" if missed else "",
        )
    console.print(table)


def main(arguments: list[str]) -> int:
    """Measure, print and write the figures; 1 when there was any error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="10,000 agents, 5 million prices")
    parser.add_argument("--quick", action="store_true", help="200 agents")
    parser.add_argument("--only", default="", help="only routes that contain this")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    plan = LARGE if options.large else QUICK if options.quick else PLAN
    clock = SystemClock()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="spot-dashboards-") as name:
        Path(name).chmod(0o755)  # the server gives up its rights: its account must be able to enter
        local = Path(name) / "local"
        begun = time.monotonic()
        with dashboard_fleet(local, clock, agents=plan.agents, prices=plan.prices) as fleet:
            console.print(f"filled in {time.monotonic() - begun:.0f} s, {fleet.prices:,} prices")
            figures = list(measure(fleet, clock, plan, options.only))
    _print(console, plan, figures)
    machine = describe_machine()
    console.print(f"load average {machine['load_average']}, {machine['cores']} cores")
    if options.json:
        document = {"machine": machine, "routes": [asdict(row) for row in figures]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row.errors for row in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
