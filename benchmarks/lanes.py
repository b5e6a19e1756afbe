"""One lane: a fleet with the product and the ceiling running over it, and what both of them use."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.clock import Clock
from backend.serve.web import web_command
from benchmarks import cpu, fleet, web, wrk
from benchmarks.answers import Answers, settled
from benchmarks.stage import Stage

WRITES_LAST_SEEN = frozenset({"heartbeat", "sync"})
KEEPS_A_REPORT = frozenset({"pricing-report"})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of load: what the client saw, and processor time for each request in microseconds."""

    reading: wrk.Reading
    web_us: float
    database_us: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A fleet that is ready to be loaded."""

    stage: Stage
    product: web.Served
    ceiling: web.Served
    database_pid: int
    clock: Clock

    def load_ceiling(self, seconds: float) -> Run:
        """Load the ceiling."""
        return self._load(wrk.CEILING, self.ceiling, seconds)

    def load_product(self, endpoint: str, seconds: float) -> tuple[Run, list[str]]:
        """Load one endpoint, then compare what was answered with what is in the database.

        Returns:
            What was measured, and a sentence for everything that is not as it should be.
        """
        stage = self.stage
        fleet.rest(stage.database, self.clock.now())
        since = self.clock.now()
        kept = fleet.count_reports(stage.database)
        before = settled(self.product.port, endpoint)
        run = self._load(endpoint, self.product, seconds)
        answered = settled(self.product.port, endpoint).minus(before)
        problems = _counting_problems(run.reading, answered)
        if endpoint in WRITES_LAST_SEEN:
            moved = fleet.count_moved(stage.database, since)
            reached = run.reading.agents_reached
            if not reached - wrk.CONNECTIONS <= moved <= reached:
                problems.append(f"{reached} agents were played, {moved} are noted as heard")
        if endpoint in KEEPS_A_REPORT:
            kept = fleet.count_reports(stage.database) - kept
            if kept != answered.good:
                problems.append(f"{answered.good} reports were confirmed, {kept} are kept")
        where = f"{endpoint}, {stage.size} agents: "
        return run, [where + problem for problem in problems]

    def _load(self, endpoint: str, served: web.Served, seconds: float) -> Run:
        web_before = cpu.of_group(served.group)
        database_before = cpu.of_process(self.database_pid)
        reading = wrk.load(
            endpoint,
            port=served.port,
            size=self.stage.size,
            token=self.stage.token.text,
            seconds=seconds,
        )
        each = 1e6 / max(1, reading.requests)
        return Run(
            reading,
            web_us=(cpu.of_group(served.group) - web_before) * each,
            database_us=(cpu.of_process(self.database_pid) - database_before) * each,
        )


@contextmanager
def open_lane(stage: Stage, clock: Clock, command: web.Command = web_command) -> Iterator[Lane]:
    """Start the product and the ceiling over a fleet.

    Args:
        stage: The fleet.
        clock: The machine's clock.
        command: What makes the server's command line; by default ``serve``'s own.
    """
    pid = int((stage.settings.local_dir / "mysql" / "server.pid").read_text())
    with web.product(stage, command) as product, web.ceiling(stage, command) as ceiling:
        time.sleep(0.2)  # every worker has loaded its app, not only the one that answered
        yield Lane(stage, product, ceiling, pid, clock)


def _counting_problems(reading: wrk.Reading, answered: Answers) -> list[str]:
    problems = []
    if reading.errors:
        problems.append(f"{reading.errors} errors seen by wrk")
    if answered.bad:
        problems.append(f"{answered.bad} answers that are no success")
    # At the end of a run wrk hangs up on what is under way: one request a connection.
    if not reading.requests <= answered.good + answered.bad <= reading.requests + wrk.CONNECTIONS:
        problems.append(f"{reading.requests} requests, {answered.good + answered.bad} answers")
    return problems
