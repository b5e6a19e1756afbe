"""The scheduler process: what it wakes, and its last word."""

import threading
from datetime import timedelta

import pytest

from backend.clock import SystemClock
from backend.errors import DatabaseUnavailable
from backend.jobs.registry import Executor, build_registry
from backend.jobs.scheduler import LONGEST_WAKE, SHORTEST_WAKE, Scheduler, wake_interval
from backend.stopping import StopRequest
from tests.integration.jobs.bench import make_job, make_node

pytestmark = pytest.mark.db


@pytest.fixture
def stop():
    return StopRequest()


def make_scheduler(node, stop, *jobs, **over) -> Scheduler:
    runner, history = node
    timing = {"check_seconds": 0.02, "stop_seconds": 5.0}
    return Scheduler(
        runner, history, SystemClock(), build_registry(*jobs), stop=stop, **(timing | over)
    )


def test_every_job_is_woken_at_once_on_its_own_threads(database, stop):
    both_run = threading.Barrier(2, timeout=10)
    threads = []

    def body(context):
        threads.append(threading.current_thread().name)
        both_run.wait()
        stop.make()
        return 1

    jobs = [
        make_job(body, name="urgent", executor=Executor.EMERGENCY),
        make_job(body, name="calm", executor=Executor.NORMAL),
    ]
    node = make_node(database)

    assert make_scheduler(node, stop, *jobs).run() == 0
    assert {run.status for run in node[1].newest_runs().values()} == {"done"}
    assert len(set(threads)) == 2


def test_run_in_progress_is_finished_before_the_end(database, stop):
    def body(context):
        stop.make()
        threading.Event().wait(0.3)
        return 5

    node = make_node(database)

    assert make_scheduler(node, stop, make_job(body)).run() == 0
    assert node[1].runs("bench", limit=1)[0].row_count == 5


def test_run_that_does_not_end_is_released(database, stop):
    leave = threading.Event()

    def body(context):
        stop.make()
        leave.wait(10)
        return 5

    runner, history = make_node(database)

    assert make_scheduler((runner, history), stop, make_job(body), stop_seconds=0.05).run() == 3
    (run,) = history.runs("bench", limit=1)
    assert run.status == "running"
    assert run.lease_until <= history.now()
    leave.set()
    assert runner.wait_idle(10)


def test_process_ends_when_the_database_is_out_of_reach_for_long(database, stop):
    def no_database():
        raise DatabaseUnavailable

    node = make_node(database, read_clock=no_database)

    assert make_scheduler(node, stop, make_job(), unreachable_seconds=0.1).run() == 1


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (timedelta(seconds=1), SHORTEST_WAKE),
        (timedelta(seconds=10), timedelta(seconds=5)),
        (timedelta(days=1), LONGEST_WAKE),
    ],
)
def test_job_is_looked_at_twice_a_slot_within_bounds(period, expected):
    assert wake_interval(period) == expected
