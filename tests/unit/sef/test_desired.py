"""Which standbys an agent should have, and what the coordinator changes for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.commands import CommandStatus, Priority
from backend.domain.replicas import ReplicaStatus
from backend.sef.desired import (
    STAND_DOWN_AFTER,
    AgentNow,
    Ending,
    Order,
    Standby,
    Steps,
    decide,
)
from backend.sef.restraint import LAUNCHES_PER_HOUR, pause_after, rest_after
from tests.fakes.clock import START as NOW

SILENCE = timedelta(seconds=120)
MINUTE = timedelta(minutes=1)
READY = Standby(
    replica_id="r1",
    kind="manual",
    status=ReplicaStatus.READY,
    protocol=5,
    instance_id="i-r1",
    created_at=NOW - 30 * MINUTE,
    launched_at=NOW - 29 * MINUTE,
    heard_at=NOW - timedelta(seconds=5),
)
LAUNCHING = Standby(
    replica_id="r2",
    kind="manual",
    status=ReplicaStatus.LAUNCHING,
    protocol=5,
    instance_id=None,
    created_at=NOW - MINUTE,
)
MANUAL = AgentNow(agent_id="a", is_manual=True)
AUTO = AgentNow(agent_id="a")
AT_RISK = replace(AUTO, rebalance_event_id="e1", rebalance_at=NOW - MINUTE)
MANUAL_ORDER = Order(kind="manual", event_id=None, besides=None, priority=Priority.MANUAL)


def steps(agent: AgentNow, *standbys: Standby, counts_silence: bool = True) -> Steps:
    agent = replace(agent, standbys=standbys)
    return decide(agent, now=NOW, silence=SILENCE, counts_silence=counts_silence)


def test_manual_mode_orders_a_standby_when_there_is_none():
    assert steps(MANUAL) == Steps(order=MANUAL_ORDER)


@pytest.mark.parametrize("standby", [READY, LAUNCHING], ids=["ready", "launching"])
def test_manual_mode_changes_nothing_while_one_standby_serves_or_comes(standby):
    assert steps(MANUAL, standby) == Steps()


def test_automatic_mode_wants_no_standby_without_a_signal():
    assert steps(AUTO) == Steps()


def test_automatic_mode_orders_a_standby_for_an_open_rebalance_signal():
    assert steps(AT_RISK).order == Order(
        kind="automatic-rebalance", event_id="e1", besides=None, priority=Priority.ENGINE_URGENT
    )


def test_rebalance_signal_stands_down_after_two_hours():
    old = replace(AT_RISK, rebalance_at=NOW - STAND_DOWN_AFTER)

    assert steps(old, READY) == Steps(endings=(Ending(replica_id="r1", reason="not_wanted"),))


@pytest.mark.parametrize(("count", "hours"), [(1, 2), (2, 4), (3, 8), (5, 24), (99, 24)])
def test_stand_downs_back_off_exponentially(count, hours):
    resting = replace(
        AT_RISK, stand_downs=count, stood_down_at=NOW - timedelta(hours=hours) + MINUTE
    )
    rested = replace(resting, stood_down_at=NOW - timedelta(hours=hours))

    assert rest_after(count) == timedelta(hours=hours)
    assert steps(resting).hindrance == "stood_down_lately"
    assert steps(rested).order is not None


def test_stand_downs_do_not_hold_back_manual_mode():
    assert steps(replace(MANUAL, stand_downs=3, stood_down_at=NOW)).order == MANUAL_ORDER


def test_doomed_standby_gets_a_second_one_prepared():
    doomed = replace(READY, doomed_at=NOW - MINUTE)

    assert steps(MANUAL, doomed) == Steps(order=replace(MANUAL_ORDER, besides="r1"))
    assert steps(MANUAL, doomed, LAUNCHING) == Steps()


def test_doomed_standby_ends_after_its_notice_when_the_next_is_ready():
    doomed = replace(READY, doomed_at=NOW - MINUTE)
    next_one = replace(READY, replica_id="r2", instance_id="i-r2")

    (ending,) = steps(MANUAL, doomed, next_one).endings

    assert (ending.replica_id, ending.reason) == ("r1", "replaced")
    assert ending.not_before == NOW - MINUTE + 7 * MINUTE


def test_two_doomed_standbys_wait_until_one_is_gone():
    doomed = replace(READY, doomed_at=NOW)

    found = steps(MANUAL, doomed, replace(doomed, replica_id="r2", instance_id="i-r2"))

    assert found == Steps(hindrance="slots_taken")


def test_surplus_standby_ends_and_the_ready_one_stays():
    older = replace(LAUNCHING, created_at=NOW - 40 * MINUTE, held_until=NOW + MINUTE)

    assert steps(MANUAL, older, READY).endings == (Ending(replica_id="r2", reason="surplus"),)


def test_standby_that_was_prepared_beside_another_takes_its_place_when_ready():
    prepared = replace(LAUNCHING, created_at=NOW - MINUTE)
    done = replace(READY, replica_id="r2", instance_id="i-r2", created_at=NOW - MINUTE)

    assert steps(MANUAL, READY, prepared) == Steps()
    assert steps(MANUAL, READY, done).endings == (Ending(replica_id="r1", reason="replaced"),)


def test_silent_standby_fails_and_is_replaced_in_the_same_pass():
    lost = replace(READY, heard_at=NOW - SILENCE - timedelta(seconds=1))

    found = steps(MANUAL, lost)

    assert found.endings == (Ending(replica_id="r1", reason="standby_silent", is_failure=True),)
    assert found.order == MANUAL_ORDER


def test_silence_of_a_standby_proves_nothing_after_an_outage():
    lost = replace(READY, heard_at=NOW - timedelta(hours=1))

    assert steps(MANUAL, lost, counts_silence=False) == Steps()


def test_silence_of_a_standby_proves_nothing_while_the_primary_is_not_heard_either():
    lost = replace(READY, heard_at=NOW - timedelta(hours=1))
    partitioned = replace(MANUAL, is_primary_heard=False)

    assert steps(partitioned, lost) == Steps()


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"command_status": CommandStatus.FAILED}, "launch_failed"),
        ({"command_status": CommandStatus.EXPIRED}, "launch_failed"),
        ({"held_until": NOW - MINUTE}, "never_launched"),
        ({"created_at": NOW - 31 * MINUTE}, "never_launched"),
        ({"created_at": NOW - 61 * MINUTE, "held_until": NOW + MINUTE}, "never_launched"),
        ({"instance_id": "i-x", "launched_at": NOW - 11 * MINUTE}, "never_registered"),
        ({"instance_id": "i-x", "has_ended": True}, "instance_ended"),
    ],
)
def test_stuck_standby_fails_with_its_reason(change, flaw):
    (ending,) = steps(AUTO, replace(LAUNCHING, **change)).endings

    assert (ending.reason, ending.is_failure) == (flaw, True)


def test_standby_without_an_agent_of_ours_is_watched_by_its_launcher():
    classic = replace(READY, protocol=4, heard_at=None)

    assert steps(MANUAL, classic) == Steps()


@pytest.mark.parametrize(
    "agent",
    [AUTO, replace(MANUAL, is_active=False), replace(MANUAL, is_active=False, is_deleted=True)],
    ids=["mode off", "disabled", "deleted"],
)
def test_standby_that_nobody_wants_is_stood_down(agent):
    (ending,) = steps(agent, READY).endings

    assert not ending.is_failure
    assert ending.reason == ("agent_deleted" if agent.is_deleted else "not_wanted")


def test_chosen_replica_is_not_stood_down_while_it_may_still_take_over():
    chosen = replace(READY, status=ReplicaStatus.PROMOTING, created_at=NOW - 5 * MINUTE)

    assert steps(AUTO, chosen) == Steps()
    assert steps(AUTO, replace(chosen, created_at=NOW - 31 * MINUTE)).endings
    assert steps(replace(AUTO, is_active=False, is_deleted=True), chosen).endings


@pytest.mark.parametrize("agent", [MANUAL, AT_RISK, AUTO])
def test_emergency_is_left_alone(agent):
    assert steps(replace(agent, has_emergency=True), READY) == Steps()
    assert steps(replace(agent, has_emergency=True)) == Steps()


def test_frozen_agent_gets_no_order_and_loses_no_instance():
    frozen = replace(MANUAL, is_frozen=True)
    lost = replace(READY, heard_at=NOW - timedelta(hours=1))

    assert steps(frozen) == Steps(hindrance="frozen")
    assert steps(frozen, lost) == Steps(hindrance="frozen")
    assert steps(replace(AUTO, is_frozen=True), READY) == Steps(hindrance="frozen")


def test_failed_launches_back_off_up_to_half_an_hour():
    assert [pause_after(n).total_seconds() for n in (0, 1, 2, 3, 8, 99)] == [
        0,
        30,
        60,
        120,
        1800,
        1800,
    ]
    failing = replace(MANUAL, failed_launches=2, failed_at=NOW - timedelta(seconds=59))

    assert steps(failing).hindrance == "launches_fail"
    assert steps(replace(failing, failed_at=NOW - timedelta(seconds=60))).order == MANUAL_ORDER


def test_order_waits_for_a_primary_that_is_heard_and_for_the_launch_budget():
    assert steps(replace(MANUAL, is_reachable=False)).hindrance == "primary_silent"
    assert steps(replace(MANUAL, launches=LAUNCHES_PER_HOUR)).hindrance == "launch_budget"


STANDBYS = st.builds(
    lambda number, status, has_instance, heard, doomed, ended: Standby(
        replica_id=f"r{number}",
        kind="manual",
        status=status,
        protocol=5,
        instance_id=f"i-{number}" if has_instance else None,
        created_at=NOW - 5 * MINUTE,
        heard_at=NOW - timedelta(seconds=heard) if has_instance else None,
        doomed_at=NOW if doomed else None,
        has_ended=ended,
    ),
    st.integers(1, 9),
    st.sampled_from([s for s in ReplicaStatus if s.value in ("launching", "syncing", "ready")]),
    st.booleans(),
    st.integers(0, 300),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(STANDBYS, max_size=2, unique_by=lambda s: s.replica_id), st.booleans())
def test_manual_mode_converges_to_one_ready_standby_at_most_and_then_rests(standbys, is_manual):
    """Orders are carried out, endings happen: two passes later nothing is left to do."""
    agent = replace(AUTO, is_manual=is_manual)
    for number in range(3):
        found = steps(agent, *standbys)
        ended = {ending.replica_id for ending in found.endings}
        standbys = [s for s in standbys if s.replica_id not in ended]
        if found.order:
            standbys.append(replace(READY, replica_id=f"new{number}", instance_id=f"i-new{number}"))
        if found.hindrance == "slots_taken":
            standbys = standbys[1:]  # EC2 takes one of the doomed
    assert steps(agent, *standbys) == Steps()
    sound = [s for s in standbys if s.doomed_at is None]
    assert bool(sound) is is_manual
    assert sum(s.status is ReplicaStatus.READY for s in sound) <= 1
