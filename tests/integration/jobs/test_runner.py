"""The runner: catches up, takes over, retries, and never lets one job hold back another."""

import logging
import threading
from datetime import timedelta

import pytest

from backend.jobs.runner import SLOTS_PER_WAKE, Outcome
from backend.jobs.slots import MAX_ATTEMPTS, RETRY_AFTER, Policy, slot_at, slot_bounds
from tests.fakes.clock import START
from tests.integration.jobs.bench import Recorder, make_job, make_node

pytestmark = pytest.mark.db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def node(database, clock):
    return make_node(database, read_clock=clock.now)


def test_wake_runs_the_present_slot_once(node, clock):
    runner, history = node
    body = Recorder()
    job = make_job(body)

    assert [runner.wake(job) for _ in range(3)] == [1, 0, 0]
    clock.advance(MINUTE)
    assert runner.wake(job) == 1

    assert body.slots == [START, START + MINUTE]
    assert [(run.status, run.row_count) for run in history.runs("bench", limit=9)] == [
        ("done", 7),
        ("done", 7),
    ]


def test_latest_skips_what_was_missed(node, clock):
    runner, _ = node
    body = Recorder()
    job = make_job(body)
    runner.wake(job)
    clock.advance(MINUTE * 10)
    runner.wake(job)

    assert body.slots == [START, START + MINUTE * 10]


def test_every_catches_up_on_missed_slots_in_order(node, clock):
    runner, _ = node
    body = Recorder()
    job = make_job(body, policy=Policy.EVERY)
    runner.wake(job)
    clock.advance(MINUTE * 4)

    assert runner.wake(job) == 4
    assert body.slots == [START + MINUTE * number for number in range(5)]


def test_catching_up_is_bounded_per_wake_and_goes_on_at_the_next(node, clock):
    runner, _ = node
    job = make_job(policy=Policy.EVERY)
    runner.wake(job)
    clock.advance(MINUTE * (SLOTS_PER_WAKE + 5))

    assert [runner.wake(job) for _ in range(3)] == [SLOTS_PER_WAKE, 5, 0]


def test_slot_of_a_vanished_node_is_run_again_when_its_lease_ends(database, node, clock):
    runner, history = node
    body = Recorder()
    job = make_job(body, policy=Policy.EVERY)
    _, vanished = make_node(database, "vanished", clock.now)
    slot = slot_at(START, MINUTE)
    vanished.start("bench", slot, now=START, lease=job.lease)
    clock.advance(job.lease - timedelta(seconds=1))
    assert runner.wake(job) == 0
    clock.advance(timedelta(seconds=1))

    assert runner.wake(job) == 2
    assert body.slots == [START, START + MINUTE]
    assert [(run.slot, run.attempt) for run in history.runs("bench", limit=5)] == [
        (slot + 1, 1),
        (slot, 2),
    ]


def test_slot_is_given_up_when_every_attempt_vanished(node, clock):
    runner, history = node
    body = Recorder()
    job = make_job(body, policy=Policy.EVERY)
    slot = slot_at(START, MINUTE)
    history.start("bench", slot, now=clock.now(), lease=job.lease)
    for _ in range(MAX_ATTEMPTS - 1):
        now = clock.advance(job.lease)
        history.retake(history.runs("bench", limit=1)[0], now=now, lease=job.lease)
    clock.advance(job.lease)
    runner.wake(job)

    lost = history.runs("bench", limit=9)[-1]
    assert (lost.slot, lost.status, lost.attempt) == (slot, "failed", MAX_ATTEMPTS)
    assert body.slots[0] == START + MINUTE
    assert body.slots[-1] == slot_bounds(slot_at(clock.now(), MINUTE), MINUTE)[0]


def test_failed_slot_is_retried_after_a_pause(node, clock):
    runner, history = node
    body = Recorder(failures=1)
    job = make_job(body, policy=Policy.EVERY)

    assert runner.wake(job) == 1
    assert runner.wake(job) == 0
    clock.advance(RETRY_AFTER[0])
    assert runner.wake(job) == 1

    (run,) = history.runs("bench", limit=5)
    assert (run.status, run.attempt, run.error) == ("done", 2, None)
    assert body.slots == [START, START]


def test_poisoned_slot_does_not_block_the_next_ones(node, clock):
    runner, history = node
    job = make_job(Recorder(failures=MAX_ATTEMPTS), policy=Policy.EVERY)
    for pause in (*RETRY_AFTER, MINUTE):
        runner.wake(job)
        clock.advance(pause)
    runner.wake(job)

    newest, *_, poisoned = history.runs("bench", limit=9)
    assert (poisoned.status, poisoned.attempt) == ("failed", MAX_ATTEMPTS)
    assert newest.status == "done"


def test_history_names_the_error_but_not_its_message(node, caplog):
    runner, history = node
    with caplog.at_level(logging.ERROR):
        runner.wake(make_job(Recorder(failures=1)))

    (run,) = history.runs("bench", limit=5)
    assert run.error == "RuntimeError: see the log"
    assert [record.action for record in caplog.records] == ["job_failed"]


def test_missing_body_is_a_failed_run_and_no_crash(node):
    runner, history = node

    def load_nothing(context):
        raise ModuleNotFoundError

    runner.wake(make_job(load_nothing))

    assert history.runs("bench", limit=5)[0].status == "failed"


def test_body_is_told_its_slot_and_the_database_instant(database, clock):
    seen = []
    runner, _ = make_node(database, read_clock=clock.now)
    clock.advance(timedelta(seconds=42))
    runner.wake(make_job(lambda context: seen.append(context) or 0))

    (context,) = seen
    assert (context.slot_start, context.slot_end) == (START, START + MINUTE)
    assert context.now == START + timedelta(seconds=42)
    assert context.database is database


def test_lease_is_extended_while_the_body_runs(database):
    lease = timedelta(milliseconds=300)
    runner, history = make_node(database)
    poll = threading.Event()
    seen = []

    def outlive_the_lease(context):
        first = history.runs("bench", limit=1)[0].lease_until
        for _ in range(200):
            run = history.runs("bench", limit=1)[0]
            if history.now() > first and run.lease_until > first:
                seen.append(run.lease_until > history.now())
                break
            poll.wait(0.02)
        return 1

    runner.wake(make_job(outlive_the_lease, lease=lease))

    assert seen == [True]
    (run,) = history.runs("bench", limit=5)
    assert (run.status, run.attempt) == ("done", 1)


def test_unreachable_database_is_a_warning_and_no_crash(database, clock, caplog):
    from backend.errors import DatabaseUnavailable

    def no_clock():
        raise DatabaseUnavailable

    runner, _ = make_node(database, read_clock=no_clock)
    with caplog.at_level(logging.WARNING):
        assert runner.wake(make_job()) == 0

    assert [record.action for record in caplog.records] == ["job_claim_failed"]


def test_stopped_runner_claims_nothing(node):
    runner, history = node
    runner.stop()

    assert runner.wake(make_job()) == 0
    assert history.runs("bench", limit=5) == []


def test_unfinished_run_is_released_when_the_node_stops(database, clock):
    runner, _ = make_node(database, "node-1", clock.now)
    heir, history = make_node(database, "node-2", clock.now)
    entered, leave = threading.Event(), threading.Event()

    def hang(context):
        entered.set()
        leave.wait(10)
        return 1

    thread = threading.Thread(target=runner.wake, args=(make_job(hang),))
    thread.start()
    assert entered.wait(10)
    assert not runner.wait_idle(0.01)
    runner.release_all()
    assert heir.wake(make_job(Recorder())) == 1
    leave.set()
    thread.join(10)

    assert runner.wait_idle(0.01)
    (run,) = history.runs("bench", limit=5)
    assert (run.node, run.attempt, run.row_count) == ("node-2", 2, 7)


def test_run_by_hand_follows_the_claims(database, clock):
    runner, _ = make_node(database, "node-1", clock.now)
    _, other = make_node(database, "node-2", clock.now)
    body = Recorder()
    job = make_job(body)

    assert runner.run_now(job)[0] is Outcome.DONE
    assert runner.run_now(job)[0] is Outcome.ALREADY_DONE
    assert runner.run_now(job, force=True)[0] is Outcome.DONE
    assert len(body.slots) == 2
    now = clock.advance(MINUTE)
    other.start("bench", slot_at(now, MINUTE), now=now, lease=job.lease)
    assert runner.run_now(job, force=True)[0] is Outcome.BUSY


def test_run_by_hand_tells_of_a_failure_and_may_be_repeated(node):
    runner, _ = node
    job = make_job(Recorder(failures=1))
    outcome, result = runner.run_now(job)

    assert (outcome, result.error) == (Outcome.FAILED, "RuntimeError: see the log")
    assert runner.run_now(job)[0] is Outcome.DONE


def test_run_by_hand_closes_the_run_of_a_vanished_node(database, clock):
    runner, history = make_node(database, "node-1", clock.now)
    job = make_job()
    history.start("bench", slot_at(START, MINUTE), now=START, lease=job.lease)
    clock.advance(job.lease)

    assert runner.run_now(job)[0] is Outcome.DONE
    assert [run.status for run in history.runs("bench", limit=5)] == ["done", "failed"]
