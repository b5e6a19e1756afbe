"""Two scheduler processes on one database, killed in the middle of their work and restarted."""

import os
import signal
import subprocess
import sys
from collections import defaultdict

import pytest

from backend.db.database import Database
from backend.services.job_history import JobHistory
from tests.e2e.jobs_node import JOB
from tests.e2e.processes import wait_until
from tests.integration.jobs.rows import query
from tests.meta import house

pytestmark = [pytest.mark.e2e, pytest.mark.db]

KILLS = 3
SLOTS_AFTER_THE_KILLS = 3


class Nodes:
    """The node processes, by process id."""

    def __init__(self, address) -> None:
        self._command = [
            *(sys.executable, "-m", "tests.e2e.jobs_node"),
            *(str(address.unix_socket), address.user, address.name),
        ]
        self._environment = {**os.environ, "NODE_PASSWORD": address.password}
        self.living: dict[int, subprocess.Popen] = {}
        self.killed: set[int] = set()

    def start(self) -> None:
        process = subprocess.Popen(self._command, cwd=house.ROOT, env=self._environment)
        self.living[process.pid] = process

    def kill(self, pid: int) -> None:
        process = self.living.pop(pid)
        process.kill()
        process.wait(10)
        self.killed.add(pid)

    def stop(self) -> list[int]:
        """Ask all to stop; return their exit statuses."""
        for process in self.living.values():
            process.send_signal(signal.SIGTERM)
        return [process.wait(15) for process in self.living.values()]


@pytest.fixture
def nodes(address, database):
    query(
        database,
        "CREATE TABLE counted_runs (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
        " slot_start DATETIME(3) NOT NULL, pid INT NOT NULL)",
    )
    nodes = Nodes(address)
    yield nodes
    for pid in list(nodes.living):
        nodes.kill(pid)
    query(database, "DROP TABLE counted_runs")


def test_no_slot_is_run_twice_when_nodes_are_killed(nodes: Nodes, database: Database):
    history = JobHistory(database, "observer")
    nodes.start()
    nodes.start()

    for _ in range(KILLS):
        seen = _slots(database)
        wait_until(lambda seen=seen: _slots(database) > seen, 15, "a new slot begins")
        nodes.kill(_begun(database)[-1]["pid"])
        nodes.start()
    target = len(_begun(database)) + SLOTS_AFTER_THE_KILLS
    wait_until(lambda: len(_begun(database)) >= target, 20, "the nodes go on")
    statuses = nodes.stop()

    assert statuses == [0, 0]
    runs = history.runs(JOB, limit=1000)
    slots = [run.slot for run in runs]
    assert {run.status for run in runs} == {"done"}
    assert slots == list(range(slots[0], slots[-1] - 1, -1))
    pids = defaultdict(list)
    for row in _begun(database):
        pids[row["slot_start"]].append(row["pid"])
    assert len(pids) == len(slots)
    assert all(set(before) <= nodes.killed for *before, _ in pids.values())
    assert sum(len(before) for *before, _ in pids.values()) == KILLS


def _slots(database: Database) -> set:
    return {row["slot_start"] for row in _begun(database)}


def _begun(database: Database) -> list[dict]:
    return query(database, "SELECT slot_start, pid FROM counted_runs ORDER BY id ASC")
