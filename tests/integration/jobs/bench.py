"""A node, and jobs whose body is a function of the test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.clock import SystemClock
from backend.config import Settings
from backend.db.database import Database
from backend.jobs.context import JobContext
from backend.jobs.registry import Executor, Job, JobBody
from backend.jobs.runner import Runner
from backend.jobs.slots import Policy
from backend.services.job_history import JobHistory


@dataclass(frozen=True, slots=True)
class BenchJob(Job):
    """A job that needs no module."""

    body: JobBody = lambda context: 0

    def load(self) -> JobBody:
        return self.body


def make_job(body: JobBody = lambda context: 0, **over) -> BenchJob:
    values = {
        "name": "bench",
        "period": timedelta(minutes=1),
        "policy": Policy.LATEST,
        "lease": timedelta(seconds=60),
        "executor": Executor.NORMAL,
        "module": "",
        "summary": "A job of the tests.",
    }
    return BenchJob(**(values | over), body=body)


def make_node(
    database: Database, name: str = "node-1", read_clock: Callable[[], datetime] | None = None
) -> tuple[Runner, JobHistory]:
    """Return a runner and its history, as one process would have them."""
    history = JobHistory(database, name, read_clock)
    return Runner(history, database, SystemClock(), Settings()), history


class Recorder:
    """A body that notes the slots it was given, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.slots: list[datetime] = []
        self._failures = failures

    def __call__(self, context: JobContext) -> int:
        self.slots.append(context.slot_start)
        if self._failures:
            self._failures -= 1
            msg = "password=hunter2"
            raise RuntimeError(msg)
        return 7
