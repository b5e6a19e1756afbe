"""Who may run a slot: the database decides, over any number of nodes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend.services.job_history import JobHistory
from tests.integration.jobs.rows import query

pytestmark = pytest.mark.db

LEASE = timedelta(seconds=60)
NODES = 4


@pytest.fixture
def history(database, clock):
    return JobHistory(database, "node-1", clock.now)


@pytest.fixture
def other(database, clock):
    return JobHistory(database, "node-2", clock.now)


def test_slot_is_claimed_once_when_many_nodes_wake_together(database, clock):
    slots = range(100, 125)
    start = threading.Barrier(NODES)

    def claim_all(number: int) -> list[int]:
        node = JobHistory(database, f"node-{number}", clock.now)
        won = []
        for slot in slots:
            start.wait()
            claim = node.start("job", slot, now=clock.now(), lease=LEASE)
            start.wait()
            if claim is not None:
                won.append(slot)
                assert node.finish(claim, "done", row_count=number)
        return won

    with ThreadPoolExecutor(NODES) as threads:
        won = [slot for list_ in threads.map(claim_all, range(NODES)) for slot in list_]

    assert sorted(won) == list(slots)
    rows = query(database, "SELECT COUNT(*) AS n FROM job_runs WHERE status = 'done'")
    assert rows[0]["n"] == len(slots)


def test_next_slot_is_refused_while_a_run_is_open(history, other, clock):
    claim = history.start("job", 1, now=clock.now(), lease=LEASE)

    assert other.start("job", 2, now=clock.now(), lease=LEASE) is None
    assert history.finish(claim, "done")
    assert other.start("job", 2, now=clock.now(), lease=LEASE) is not None


def test_open_run_of_one_job_does_not_hold_back_another(history, clock):
    assert history.start("one", 1, now=clock.now(), lease=LEASE)
    assert history.start("two", 1, now=clock.now(), lease=LEASE)


def test_run_cannot_be_taken_over_before_its_lease_ends(history, other, clock):
    history.start("job", 1, now=clock.now(), lease=LEASE)
    clock.advance(LEASE - timedelta(milliseconds=1))
    (run,) = other.runs("job", limit=5)

    assert other.retake(run, now=clock.now(), lease=LEASE) is None


def test_expired_run_is_taken_over_by_one_node(database, history, clock):
    history.start("job", 1, now=clock.now(), lease=LEASE)
    clock.advance(LEASE)
    (run,) = history.runs("job", limit=5)
    start = threading.Barrier(NODES)

    def retake(number: int):
        node = JobHistory(database, f"heir-{number}", clock.now)
        start.wait()
        return node.retake(run, now=clock.now(), lease=LEASE)

    with ThreadPoolExecutor(NODES) as threads:
        claims = [claim for claim in threads.map(retake, range(NODES)) if claim]

    (run,) = history.runs("job", limit=5)
    assert [claim.attempt for claim in claims] == [2]
    assert (run.attempt, run.node, run.status) == (2, claims[0].node, "running")


def test_late_node_cannot_speak_for_a_run_that_was_taken_over(history, other, clock):
    late = history.start("job", 1, now=clock.now(), lease=LEASE)
    clock.advance(LEASE)
    (run,) = other.runs("job", limit=5)
    heir = other.retake(run, now=clock.now(), lease=LEASE)

    assert not history.extend(late, lease=LEASE)
    assert not history.finish(late, "failed", error="too late")
    assert other.finish(heir, "done", row_count=3)
    (run,) = other.runs("job", limit=5)
    assert (run.status, run.row_count, run.error) == ("done", 3, None)


def test_extended_run_is_not_taken_over(history, other, clock):
    claim = history.start("job", 1, now=clock.now(), lease=LEASE)
    clock.advance(LEASE / 2)
    assert history.extend(claim, lease=LEASE)
    clock.advance(LEASE / 2)
    (run,) = other.runs("job", limit=5)

    assert run.lease_until == clock.now() + LEASE / 2
    assert other.retake(run, now=clock.now(), lease=LEASE) is None


def test_released_run_may_be_taken_over_at_once(history, other, clock):
    claim = history.start("job", 1, now=clock.now(), lease=LEASE)
    assert history.release(claim)
    (run,) = other.runs("job", limit=5)

    assert other.retake(run, now=clock.now(), lease=LEASE).attempt == 2


def test_newest_runs_show_one_row_per_job(history, clock):
    for job, slots in {"one": (1, 2, 3), "two": (9,)}.items():
        for slot in slots:
            history.finish(history.start(job, slot, now=clock.now(), lease=LEASE), "done")

    newest = history.newest_runs()

    assert {name: run.slot for name, run in newest.items()} == {"one": 3, "two": 9}


def test_database_tells_the_time_when_no_other_clock_is_given(database):
    history = JobHistory(database, "node")

    assert history.now() <= history.now()
