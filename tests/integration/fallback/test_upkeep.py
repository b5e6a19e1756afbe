"""What a crash left undone: promotions, retirements and events are brought to their end."""

import json
from datetime import timedelta

import pytest

from backend.services.standby_upkeep import StandbyUpkeep
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    MINUTE,
    SECOND,
    commands,
    event,
    make_agent,
    make_event,
    make_replica,
    notifications,
    query,
    replicas,
)

pytestmark = pytest.mark.db


@pytest.fixture
def upkeep(database, clock):
    return StandbyUpkeep(database, clock)


def primary(database, agent):
    (row,) = query(
        database,
        "SELECT primary_instance_id, epoch FROM agents WHERE id = %(id)s",
        id=agent["id"],
    )
    return row["primary_instance_id"], row["epoch"]


def test_chosen_replica_that_lives_takes_over_exactly_once(database, upkeep):
    agent = make_agent(database)
    event_id = make_event(database, agent, "termination-notice")
    replica = make_replica(database, agent, "promoting", event_id=event_id)

    assert upkeep.finish_promotions(START) == 1
    assert upkeep.finish_promotions(START) == 0

    assert primary(database, agent) == (replica["instance_id"], 2)
    assert event(database, event_id)["status"] == "failed_over"


def test_chosen_replica_that_nobody_heard_does_not_take_over(database, upkeep):
    agent = make_agent(database)
    event_id = make_event(database, agent, "termination-notice")
    make_replica(database, agent, "promoting", event_id=event_id, heard_at=START - MINUTE)

    assert upkeep.finish_promotions(START) == 0


def test_notice_that_nobody_answered_is_answered_with_the_ready_replica(database, upkeep):
    agent = make_agent(database)
    event_id = make_event(
        database, agent, "termination-notice", status="detected", received_at=START - 6 * SECOND
    )
    replica = make_replica(database, agent)

    assert upkeep.finish_promotions(START) == 1

    assert primary(database, agent) == (replica["instance_id"], 2)
    assert event(database, event_id)["status"] == "failed_over"


@pytest.mark.parametrize("over", [{"is_drill": 1}, {"received_at": START}, {"epoch": 0}])
def test_notice_in_other_hands_is_left_alone(database, upkeep, over):
    agent = make_agent(database)
    given = {"received_at": START - MINUTE, **over}
    make_event(database, agent, "termination-notice", **given)
    make_replica(database, agent)

    assert upkeep.finish_promotions(START) == 0


@pytest.mark.parametrize("agent_facts", [{"freeze_level": "all"}, {"enabled": False}])
def test_notice_of_an_agent_that_stands_still_is_left_alone(database, upkeep, agent_facts):
    agent = make_agent(database, **agent_facts)
    make_event(database, agent, "termination-notice", received_at=START - MINUTE)
    make_replica(database, agent)

    assert upkeep.finish_promotions(START) == 0


def test_notice_is_left_alone_while_the_fallback_is_off(database, upkeep):
    agent = make_agent(database)
    make_event(database, agent, "termination-notice", received_at=START - MINUTE)
    make_replica(database, agent)

    assert upkeep.finish_promotions(START, is_sef_on=False) == 0
    assert upkeep.finish_promotions(START) == 1


def test_rebalance_signal_stands_down_after_two_hours(database, upkeep):
    old = make_event(database, make_agent(database), received_at=START - timedelta(hours=2))
    new = make_event(database, make_agent(database), received_at=START - timedelta(hours=1))

    assert upkeep.close_events(START) == 1

    assert event(database, old)["status"] == "stood_down"
    assert event(database, new)["status"] == "responding"


def test_unanswered_notice_ends_lost_and_is_said_plainly(database, upkeep):
    agent = make_agent(database, heard_at=START - 18 * MINUTE)
    event_id = make_event(
        database,
        agent,
        "termination-notice",
        received_at=START - 20 * MINUTE,
        deadline_at=START - 18 * MINUTE,
    )

    assert (upkeep.close_events(START), upkeep.close_events(START)) == (1, 0)

    found = event(database, event_id)
    assert (found["status"], found["reason"], found["ended_at"]) == (
        "lost",
        "no_replacement",
        START,
    )
    (note,) = notifications(database, "agent_lost")
    assert agent["logical_agent_id"] in note["message"]


def test_host_that_outlives_its_notice_is_a_warning(database, upkeep):
    agent = make_agent(database)
    event_id = make_event(
        database,
        agent,
        "termination-notice",
        received_at=START - 20 * MINUTE,
        deadline_at=START - 18 * MINUTE,
    )

    upkeep.close_events(START)

    assert event(database, event_id)["reason"] == "host_outlived_deadline"
    assert notifications(database, "agent_lost") == []
    assert len(notifications(database, "interruption_closed")) == 1


def test_running_instance_of_an_ended_replica_is_ended_again_and_again(database, upkeep):
    agent = make_agent(database)
    replica = make_replica(database, agent, "terminating")
    query(database, "UPDATE instances SET role = 'superseded' WHERE role = 'replica'")

    counts = [upkeep.finish_endings(START + n * 11 * MINUTE) for n in range(3)]

    # The order that still waits is not repeated.
    assert counts == [1, 0, 0]
    query(database, "UPDATE commands SET status = 'failed'")
    assert upkeep.finish_endings(START + 40 * MINUTE) == 1
    orders = [json.loads(c["payload"])["instance_id"] for c in commands(database, agent)]
    assert orders == [replica["instance_id"]] * 2


def test_replica_whose_instance_has_ended_is_closed(database, upkeep):
    agent = make_agent(database)
    make_replica(database, agent, "terminating")
    query(
        database,
        "UPDATE instances SET role = 'terminated', terminated_at = %(now)s WHERE role = 'replica'",
        now=START - MINUTE,
    )

    assert upkeep.finish_endings(START) == 1

    (row,) = replicas(database, agent)
    assert (row["status"], row["ended_at"]) == ("terminated", START - MINUTE)


def test_replica_that_never_came_to_be_is_closed_after_an_hour(database, upkeep):
    agent = make_agent(database)
    make_replica(database, agent, "terminating", has_instance=False)

    assert upkeep.finish_endings(START) == 0
    assert upkeep.finish_endings(START + timedelta(hours=1)) == 1


def test_installed_agent_cannot_end_instances_and_an_operator_hears_once_a_day(database, upkeep):
    agent = make_agent(database, protocol=4)
    make_replica(database, agent, "terminating")
    query(database, "UPDATE instances SET role = 'superseded' WHERE role = 'replica'")

    for hour in range(3):
        upkeep.finish_endings(START + timedelta(hours=hour))

    assert len(notifications(database, "replica_needs_ending")) == 1
