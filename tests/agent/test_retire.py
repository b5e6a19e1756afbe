"""Retirement: the successor ends its predecessor, or says why not."""

from datetime import timedelta

import pytest

from agent.actions.plans import ENROLMENT_TAG
from tests.fakes.agent_http import Answer
from tests.fakes.agent_rig import make_identity

OURS = {"ManagedBy": "SpotOptimizer", "ClientId": "client-1", "LogicalAgentId": "web-1"}


@pytest.fixture
def successor(make_rig, backend, ec2):
    """The instance that has taken over from i-old, which was launched by us."""
    ec2.add("i-new", az="us-east-1b", tags=OURS)
    ec2.instances["i-old"]["Tags"] = [{"Key": k, "Value": v} for k, v in OURS.items()]
    backend.promote("i-old")
    backend.promote("i-new")
    return make_rig(identity=make_identity("i-new", az="us-east-1b"), disk="new")


def _order(backend, **payload):
    backend.order("c-9", "retire_instance", "i-new", {"instance_id": "i-old", **payload})


def test_retirement_ends_the_old_host_and_reports_it(successor, backend, ec2):
    _order(backend)

    successor.live()

    assert ec2.alive() == ["i-new"]
    assert backend.terminated == ["i-old"]
    assert backend.commands["c-9"].status == "completed"


def test_retirement_reports_before_it_acknowledges(successor, backend):
    _order(backend)

    successor.live()

    order = [
        s.path.split("/")[-1]
        for s in backend.server.seen
        if s.path.endswith(("terminated", "executed"))
    ]
    assert order == ["terminated", "executed"]


def test_retirement_waits_until_it_is_time(successor, backend, ec2, clock):
    due = (clock.now() + timedelta(seconds=300)).isoformat()
    _order(backend, not_before=due)
    successor.sync()

    successor.act(patience=299)
    before = ec2.alive()
    successor.act(patience=2)

    assert before == ["i-old", "i-new"]
    assert ec2.alive() == ["i-new"]


def test_retirement_waits_longer_when_this_host_says_so(make_rig, successor, backend, ec2):
    agent = make_rig(
        identity=make_identity("i-new"), disk="other", environ={"TERMINATE_WAIT_TIME": "600"}
    )
    _order(backend)
    agent.sync()

    agent.act(patience=590)

    assert ec2.alive() == ["i-old", "i-new"]


def test_retirement_is_refused_when_this_host_forbids_it(make_rig, successor, backend, ec2):
    agent = make_rig(
        identity=make_identity("i-new"),
        disk="other",
        environ={"AUTO_TERMINATE_OLD_INSTANCE": "false"},
    )
    _order(backend)

    agent.live()

    assert ec2.alive() == ["i-old", "i-new"]
    message = "retire: AUTO_TERMINATE_OLD_INSTANCE=false on this host"
    assert backend.commands["c-9"].message == message


def test_retirement_is_refused_when_the_tags_are_not_ours(successor, backend, ec2):
    ec2.instances["i-old"]["Tags"] = [{"Key": "ManagedBy", "Value": "SpotOptimizer"}]
    _order(backend)

    successor.live()

    assert ec2.alive() == ["i-old", "i-new"]
    assert "tags" in backend.commands["c-9"].message


def test_retirement_accepts_an_enrolled_instance(successor, backend, ec2):
    ec2.instances["i-old"]["Tags"] = [{"Key": ENROLMENT_TAG, "Value": "client-1:web-1"}]
    _order(backend)

    successor.live()

    assert ec2.alive() == ["i-new"]


def test_retirement_is_refused_when_the_instance_is_protected(successor, backend, ec2):
    ec2.protected = {"i-old"}
    _order(backend)

    successor.live()

    assert ec2.alive() == ["i-old", "i-new"]
    assert "protected" in backend.commands["c-9"].message


def test_retirement_is_refused_when_the_backend_keeps_the_instance(successor, backend, ec2):
    backend.roles["i-old"] = "replica"
    _order(backend)

    successor.live()

    assert ec2.alive() == ["i-old", "i-new"]
    assert backend.commands["c-9"].message == "retire: i-old is kept: not_superseded"


def test_retirement_never_ends_its_own_host(successor, backend, ec2):
    backend.order("c-9", "retire_instance", "i-new", {"instance_id": "i-new"})

    successor.live()

    assert "i-new" in ec2.alive()
    assert "own host" in backend.commands["c-9"].message


def test_retirement_waits_for_the_backend_when_it_is_away(successor, backend, ec2):
    _order(backend)
    backend.break_on("/retirement", Answer(0), times=5)

    successor.live()

    assert ec2.alive() == ["i-new"]


def test_retirement_waits_for_the_next_sync_when_the_epoch_has_moved(successor, backend, ec2):
    _order(backend)
    successor.sync()
    backend.epoch += 1

    successor.act(patience=1)
    before = ec2.alive()
    successor.live()

    assert before == ["i-old", "i-new"]
    assert ec2.alive() == ["i-new"]


def test_retirement_fails_when_the_instance_does_not_end(successor, backend, ec2):
    ec2.terminates = False
    _order(backend)

    successor.live()

    assert backend.commands["c-9"].message == "retire: i-old does not end"
    assert backend.terminated == []


def test_retirement_of_what_is_gone_only_reports(successor, backend, ec2):
    ec2.set_state("i-old", "terminated")
    _order(backend)

    successor.live()

    assert ec2.calls["terminate"] == 0
    assert backend.terminated == ["i-old"]


def test_retirement_asks_again_when_the_answer_has_become_old(successor, backend, ec2, clock):
    _order(backend)
    ask = successor.client.ask_retirement
    pauses = [timedelta(seconds=20), timedelta(0)]

    def slow(*args):
        answer = ask(*args)
        clock.advance(pauses.pop(0))
        return answer

    successor.client.ask_retirement = slow

    successor.live()

    assert pauses == []
    assert ec2.alive() == ["i-new"]
