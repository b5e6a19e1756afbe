"""Silences that the first witness does not see: somebody else is asked, in time and not for ever."""

import json
from datetime import timedelta

import pytest

from backend.services.second_looks import MOST_LOOKS
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    MINUTE,
    SECOND,
    commands,
    make_agent,
    make_client,
    make_replica,
    query,
)
from tests.integration.fallback.test_losses import LONG_AGO, arm, detect, spec, the_loss

pytestmark = pytest.mark.db
LATE = START + timedelta(seconds=75)


def keep_alive(database, now, *agents) -> None:
    for agent in agents:
        query(
            database,
            "UPDATE instances SET last_seen_at = %(now)s WHERE agent_id = %(id)s",
            now=now,
            id=agent["id"],
        )


def answer(database, finding) -> None:
    query(database, "UPDATE spot_interruption_events SET finding = %(finding)s", finding=finding)


@pytest.fixture
def fleet(database):
    """A silent agent and two that could look."""
    arm(database)
    client_id = make_client(database)
    lost = make_agent(database, client_id, heard_at=LONG_AGO)
    spec(database, lost)
    return lost, [make_agent(database, client_id) for _ in range(2)]


def asked(database, agents):
    return [
        json.loads(command["payload"])["event_id"]
        for agent in agents
        for command in commands(database, agent)
    ]


@pytest.mark.parametrize("finding", ["unknown", None])
def test_somebody_else_is_asked_when_the_first_one_has_not_seen_it(database, fleet, finding):
    lost, others = fleet
    detect(database)
    event = the_loss(database)
    answer(database, finding)
    keep_alive(database, LATE, *others)

    looked = [detect(database, LATE + wait * SECOND).looked_again for wait in (0, 15)]

    assert looked == [1, 0]
    assert asked(database, others) == [event["id"]] * 2
    assert all(len(commands(database, other)) == 1 for other in others), "each was asked once"
    again = the_loss(database)
    assert (again["status"], again["action"], again["look_count"]) == ("responding", "rescue", 2)
    assert again["rescuer_agent_id"] != event["rescuer_agent_id"]
    assert not commands(database, lost)


def test_rescuer_is_asked_when_the_standby_does_not_answer(database, fleet):
    lost, others = fleet
    make_replica(database, lost)
    detect(database)
    assert [c["command_type"] for c in commands(database, lost)] == ["verify_primary"]
    keep_alive(database, LATE, *others)

    assert detect(database, LATE).looked_again == 1

    assert asked(database, others) == [the_loss(database)["id"]]


@pytest.mark.parametrize("finding", ["running", "terminated"])
def test_nobody_is_asked_again_when_somebody_has_seen_it(database, fleet, finding):
    detect(database)
    answer(database, finding)
    keep_alive(database, LATE, *fleet[1])

    assert detect(database, LATE).looked_again == 0


def test_nobody_is_asked_again_for_ever(database, fleet):
    detect(database)
    now = START

    for _ in range(10):
        now += MINUTE + SECOND
        keep_alive(database, now, *fleet[1])
        detect(database, now)

    assert len(asked(database, fleet[1])) == MOST_LOOKS


def test_loss_that_a_standby_was_to_look_at_ends_when_the_primary_is_heard_again(database, fleet):
    lost, _ = fleet
    make_replica(database, lost)
    detect(database)
    keep_alive(database, LATE, lost)

    assert detect(database, LATE).heard_again == 1

    assert (the_loss(database)["status"], the_loss(database)["reason"]) == (
        "stood_down",
        "heard_again",
    )
