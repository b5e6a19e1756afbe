"""Who looks after a silent agent."""

from dataclasses import replace

import pytest

from backend.sef.losses import Rescuer, Rescuers, SilentAgent, look_again, respond
from tests.fakes.clock import START

SILENT = SilentAgent(
    agent_id="lost",
    client_id="c",
    instance_id="i-lost",
    account_id="1",
    region="eu-west-1",
    heard_at=START,
    obstacle=None,
    replica_id=None,
    standby_id=None,
    has_spec=True,
)
RESCUER = Rescuer(
    client_id="c", agent_id="a", instance_id="i-a", account_id="1", region="eu-west-1"
)


def test_replica_looks_before_any_rescuer():
    agent = replace(SILENT, replica_id="r", standby_id="i-r")

    assert respond(agent, Rescuers([RESCUER])).resort == "verify"


def test_rescuers_take_turns_and_never_rescue_themselves():
    own = replace(RESCUER, agent_id="lost", instance_id="i-lost")
    second = replace(RESCUER, agent_id="b", instance_id="i-b")
    rescuers = Rescuers([own, RESCUER, second])

    found = [respond(SILENT, rescuers).rescuer for _ in range(4)]

    assert None not in found
    assert {one.agent_id for one in found} == {"a", "b"}


@pytest.mark.parametrize(
    "agent",
    [
        replace(SILENT, has_spec=False),
        replace(SILENT, account_id=None),
        replace(SILENT, account_id="2"),
        replace(SILENT, region="us-east-1"),
        replace(SILENT, client_id="d"),
        replace(SILENT, agent_id="a"),
    ],
    ids=["no spec", "no account", "other account", "other region", "other client", "itself"],
)
def test_nobody_rescues_across_a_border(agent):
    response = respond(agent, Rescuers([RESCUER]))

    assert (response.resort, response.reason) == ("none", "no_rescuer")


def test_order_to_stand_still_wins():
    agent = replace(SILENT, obstacle="frozen", standby_id="i-r")

    response = respond(agent, Rescuers([RESCUER]))

    assert (response.resort, response.reason) == ("none", "frozen")


def test_who_was_asked_in_vain_is_asked_again_only_where_there_is_nobody_else():
    first, second = (replace(RESCUER, agent_id=name) for name in ("first", "second"))
    asked = replace(SILENT, asked_agent_id="first")

    assert Rescuers([first, second]).next_for(asked) == second
    assert Rescuers([first]).next_for(asked) == first
    assert Rescuers([replace(first, agent_id=SILENT.agent_id)]).next_for(asked) is None


@pytest.mark.parametrize("over", [{"has_spec": False}, {"obstacle": "frozen"}])
def test_nobody_looks_again_where_nobody_may_or_can_act(over):
    assert look_again(replace(SILENT, **over), Rescuers([RESCUER])).resort == "none"
