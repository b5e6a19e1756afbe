"""What a storm costs: ``python -m benchmarks.promotions [--agents 1000]``.

Every agent of a fleet has a ready replica and is noticed in the same moment; each notice is one
request over HTTP, from 64 connections, to the product under its own web server. A connection that
has its answer sends the next notice at once.
"""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.db.session import Session
from backend.db.statements import beside
from benchmarks import cpu
from benchmarks.fleet import GRAIN
from benchmarks.stage import Stage, staged
from benchmarks.web import product

_SQL = beside(__file__)

CONNECTIONS = 64
WARM_UP = 2 * GRAIN  # agents that are promoted before the measurement
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StormFigures:
    """Of one storm. ``web_cpu_seconds`` is of all workers together."""

    agents: int
    connections: int
    promoted_once: int
    seconds: float
    p50_milliseconds: float
    p99_milliseconds: float
    slowest_milliseconds: float
    web_cpu_seconds: float
    client_cpu_seconds: float


def measure(folder: Path, clock: Clock, *, agents: int) -> StormFigures:
    """Notice every agent of a fleet at once; the first ``WARM_UP`` of it before, unmeasured."""
    with staged(folder, [agents + WARM_UP], clock) as (stage,):
        now = clock.now()
        stage.database.run("prepare", lambda s: _prepare(s, now))
        with product(stage) as served:
            _storm(stage, clock, range(agents, agents + WARM_UP))
            stage.database.run("rest", lambda s: s.run(_SQL["make_native"], {"now": clock.now()}))
            web, own = cpu.of_group(served.group), cpu.of_process(_own_pid())
            begun = clock.monotonic()
            taken = sorted(_storm(stage, clock, range(agents)))
            seconds = clock.monotonic() - begun
            web = cpu.of_group(served.group) - web
            own = cpu.of_process(_own_pid()) - own
        row = stage.database.run("count", lambda s: s.row(_SQL["count_promoted"]))
    return StormFigures(
        agents=agents,
        connections=CONNECTIONS,
        promoted_once=(int(row["promoted"]) if row else 0) - WARM_UP,
        seconds=seconds,
        p50_milliseconds=1000 * taken[len(taken) // 2],
        p99_milliseconds=1000 * taken[int(len(taken) * 0.99)],
        slowest_milliseconds=1000 * taken[-1],
        web_cpu_seconds=web,
        client_cpu_seconds=own,
    )


def _prepare(session: Session, now: datetime) -> None:
    for name in ("make_native", "insert_replica_instances", "insert_replicas"):
        session.run(_SQL[name], {"now": now})


def _storm(stage: Stage, clock: Clock, numbers: range) -> list[float]:
    """Send one notice for each agent; return the seconds that each answer took."""
    shares = [numbers[start::CONNECTIONS] for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        taken = list(pool.map(lambda share: _notices(stage, clock, share), shares))
    return [seconds for share in taken for seconds in share]


def _notices(stage: Stage, clock: Clock, numbers: range) -> list[float]:
    connection = HTTPConnection("127.0.0.1", stage.settings.port, timeout=TIMEOUT_SECONDS)
    taken = []
    try:
        for number in numbers:
            begun = clock.monotonic()
            _notice(connection, stage, clock.now(), number)
            taken.append(clock.monotonic() - begun)
    finally:
        connection.close()
    return taken


def _notice(connection: HTTPConnection, stage: Stage, now: datetime, number: int) -> None:
    instance_id = f"i-{number:017X}"
    body = {
        "instance_id": instance_id,
        "signal": "termination-notice",
        "notice_time": (now + timedelta(minutes=2)).isoformat(),
        "action": "terminate",
        "detected_at": now.isoformat(),
    }
    connection.request(
        "POST",
        f"/api/agents/00000000-0000-4000-8000-{number:012X}/interruption",
        json.dumps(body),
        {
            "Authorization": f"Bearer {stage.token.text}",
            "Content-Type": "application/json",
            "X-Instance-Id": instance_id,
        },
    )
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != 200 or answer["plan"]["action"] != "hand_over":
        msg = f"agent {number}: {response.status} {answer}"
        raise RuntimeError(msg)


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)


def main() -> int:
    """Measure and print one JSON document; 1 when an agent was not promoted exactly once."""
    parser = argparse.ArgumentParser(description="Measure a storm of termination notices.")
    parser.add_argument("--agents", type=int, default=1000, help=f"a multiple of {GRAIN}")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="spot-storm-"))
    folder.chmod(0o755)  # the database's own account has to reach its folder inside
    figures = measure(folder, SystemClock(), agents=options.agents)
    sys.stdout.write(json.dumps(asdict(figures), indent=1) + "\n")
    return 0 if figures.promoted_once == options.agents else 1


if __name__ == "__main__":
    sys.exit(main())
