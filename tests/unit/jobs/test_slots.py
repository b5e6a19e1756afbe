"""Which slot is due: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.jobs.slots import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    Abandon,
    Policy,
    Retake,
    Start,
    next_step,
    slot_at,
    slot_bounds,
)
from backend.services.job_history import JobRun

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
CURRENT = 1000


def make_run(slot: int, status: str = "done", **over) -> JobRun:
    values = {
        "job": "job",
        "node": "node",
        "attempt": 1,
        "lease_until": NOW + timedelta(seconds=30),
        "started_at": NOW - timedelta(minutes=10),
        "finished_at": None if status == "running" else NOW - timedelta(minutes=9),
    }
    return JobRun(slot=slot, status=status, **(values | over))


def test_slots_are_counted_from_1970_and_include_their_start():
    period = timedelta(minutes=5)
    start, end = slot_bounds(slot_at(NOW, period), period)

    assert start == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert end == datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
    assert slot_at(end, period) == slot_at(start, period) + 1


@pytest.mark.parametrize("policy", Policy)
def test_present_slot_is_due_when_the_job_never_ran(policy):
    assert next_step(policy, CURRENT, [], NOW) == Start(CURRENT)


@pytest.mark.parametrize("policy", Policy)
def test_nothing_is_due_when_the_present_slot_is_done(policy):
    assert next_step(policy, CURRENT, [make_run(CURRENT)], NOW) is None


@pytest.mark.parametrize("policy", Policy)
def test_nothing_is_due_when_the_database_clock_went_back(policy):
    assert next_step(policy, CURRENT, [make_run(CURRENT + 2)], NOW) is None


@pytest.mark.parametrize("policy", Policy)
def test_nothing_is_due_while_a_run_holds_its_lease(policy):
    runs = [make_run(CURRENT - 1, "running")]

    assert next_step(policy, CURRENT, runs, NOW) is None


@pytest.mark.parametrize("policy", Policy)
def test_run_is_taken_over_when_its_lease_has_ended(policy):
    run = make_run(CURRENT - 3, "running", lease_until=NOW)

    assert next_step(policy, CURRENT, [run], NOW) == Retake(run)


def test_run_is_given_up_when_its_node_vanished_for_the_last_time():
    run = make_run(CURRENT, "running", lease_until=NOW, attempt=MAX_ATTEMPTS)

    assert next_step(Policy.LATEST, CURRENT, [run], NOW) == Abandon(run)


def test_latest_leaps_to_the_present_slot_when_many_were_missed():
    assert next_step(Policy.LATEST, CURRENT, [make_run(CURRENT - 50)], NOW) == Start(CURRENT)


def test_every_starts_with_the_oldest_missed_slot():
    runs = [make_run(CURRENT - 50)]

    assert next_step(Policy.EVERY, CURRENT, runs, NOW) == Start(CURRENT - 49)


def test_every_fills_a_hole_when_the_present_slot_was_run_by_hand():
    runs = [make_run(CURRENT), make_run(CURRENT - 2)]

    assert next_step(Policy.EVERY, CURRENT, runs, NOW) == Start(CURRENT - 1)


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("attempt", range(1, MAX_ATTEMPTS))
def test_failed_slot_waits_its_back_off(policy, attempt):
    pause = RETRY_AFTER[attempt - 1]
    run = make_run(CURRENT, "failed", attempt=attempt, finished_at=NOW - pause)

    assert next_step(policy, CURRENT, [run], NOW - timedelta(milliseconds=1)) is None
    assert next_step(policy, CURRENT, [run], NOW) == Retake(run)


def test_latest_does_not_retry_a_slot_that_is_over():
    run = make_run(CURRENT - 1, "failed")

    assert next_step(Policy.LATEST, CURRENT, [run], NOW) == Start(CURRENT)


def test_every_waits_for_the_retry_of_an_older_slot():
    run = make_run(CURRENT - 1, "failed", finished_at=NOW)

    assert next_step(Policy.EVERY, CURRENT, [run], NOW) is None


@pytest.mark.parametrize("policy", Policy)
def test_slots_go_on_when_one_has_failed_for_the_last_time(policy):
    run = make_run(CURRENT - 1, "failed", attempt=MAX_ATTEMPTS, finished_at=NOW)

    assert next_step(policy, CURRENT, [run], NOW) == Start(CURRENT)


def test_catching_up_reaches_the_present_slot_in_order():
    runs = [make_run(CURRENT - 4)]
    taken = []
    while (step := next_step(Policy.EVERY, CURRENT, runs, NOW)) is not None:
        taken.append(step.slot)
        runs.insert(0, make_run(step.slot))

    assert taken == [CURRENT - 3, CURRENT - 2, CURRENT - 1, CURRENT]
