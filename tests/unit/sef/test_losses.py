"""Who looks after a silent agent."""

from dataclasses import replace

import pytest

from backend.sef.losses import Rescuer, Rescuers, SilentAgent, respond
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
