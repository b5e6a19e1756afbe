"""Registering, syncing, and the calls of installed agents where the backend is an old one."""

from datetime import timedelta

import pytest

from agent import VERSION
from agent.errors import PermanentBackendError, TransientBackendError
from tests.fakes.agent_http import Answer
from tests.fakes.agent_rig import make_identity

POOLS = ["m5.large.us-east-1b"]


def test_registration_says_who_this_is(rig, backend):
    body = backend.calls("/register")[0].body

    assert (body["instance_id"], body["logical_agent_id"]) == ("i-old", "web-1")
    assert (body["agent_version"], body["protocol"]) == (VERSION, 5)
    assert "public_ip" not in body
    assert "client_token" not in body


def test_successor_presents_its_launch_tags(make_rig, backend):
    backend.promote("i-other")
    backend.order_switch("c-1", POOLS)
    tags = {"CommandId": "c-1", "LogicalAgentId": "web-1", "Name": "x"}

    agent = make_rig(identity=make_identity("i-new", tags=tags))
    agent.sync()

    assert backend.calls("/register")[0].body["launch_tags"] == {
        "CommandId": "c-1",
        "LogicalAgentId": "web-1",
    }
    assert agent.state.current.role == "successor"


def test_sync_asks_for_the_config_only_when_it_has_changed(rig, backend):
    rig.sync()

    assert backend.calls("/sync")[-1].body["config_version"] == 1
    assert rig.state.current.config["auto_terminate_enabled"] is True


def test_sync_names_the_commands_that_are_not_answered(rig, backend):
    backend.order_switch("c-1", POOLS)
    rig.sync()
    rig.sync()

    assert backend.calls("/sync")[-1].body["commands"] == ["c-1"]


def test_sync_tells_the_vitals(rig, backend):
    body = backend.calls("/sync")[0].body

    assert 0 < body["memory_percent"] <= 100
    assert 0 < body["disk_percent"] <= 100


def test_forgotten_agent_registers_again(rig, backend):
    backend.roles.clear()
    backend.primary = None

    rig.sync()

    assert len(backend.calls("/register")) == 2
    assert backend.primary == "i-old"


def test_unreachable_backend_is_asked_again(make_rig, backend):
    backend.break_on("/register", Answer(0), times=2)
    agent = make_rig()

    pauses = [agent.workers["sync"].attempt() for _ in range(3)]

    assert agent.state.is_registered
    assert max(pauses[:2]) <= 4


def test_wrong_token_neither_ends_the_agent_nor_floods_the_backend(make_rig, backend):
    backend.break_on("/register", Answer(401, {"error": "no", "code": "unauthenticated"}), times=9)
    agent = make_rig()

    pauses = [agent.workers["sync"].attempt() for _ in range(9)]

    assert pauses[-1] >= 15
    assert agent.workers["sync"].stuck is None


def test_superseded_agent_idles_and_rests(rig, backend, ec2):
    before = rig.workers["sync"].interval
    backend.promote("i-other")
    rig.sync()
    for name in ("prices", "inventory", "enrolment"):
        rig.workers[name].tick()

    assert rig.workers["sync"].interval == 4 * before
    assert not rig.state.current.enabled
    assert sum(ec2.calls.values()) == 0


def test_agent_takes_its_place_back_when_the_backend_says_so(rig, backend):
    backend.promote("i-other")
    rig.sync()
    backend.promote("i-old")

    rig.sync()

    assert (rig.state.current.role, rig.state.current.epoch) == ("primary", 3)
    assert rig.workers["sync"].interval == rig.settings.sync_interval


def test_disabled_agent_takes_no_commands_until_it_is_enabled(rig, backend, ec2):
    backend.enabled = False
    backend.order_switch("c-1", POOLS)
    rig.live()
    while_disabled = len(ec2.launches)
    backend.enabled = True

    rig.live()

    assert (while_disabled, len(ec2.launches)) == (0, 1)


def test_finished_command_that_comes_again_is_acknowledged_again(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    rig.live()
    backend.commands["c-1"].status = "open"
    backend.commands["c-1"].holder = "i-old"

    rig.actor.accept(rig.journal.get("c-1").command)
    rig.deliver()

    assert backend.commands["c-1"].status == "completed"
    assert len(ec2.launches) == 1


def test_old_backend_is_served_with_classic_calls(make_rig, old_backend):
    agent = make_rig(backend=old_backend)

    agent.sync()

    beat = old_backend.calls("/heartbeat")[0].body
    assert (beat["status"], beat["instance_id"]) == ("online", "i-old")
    assert agent.state.current.is_classic
    assert len(old_backend.calls("/config")) == len(old_backend.calls("/pending-commands")) == 1


def test_backend_that_loses_sync_is_served_with_classic_calls(rig, backend):
    backend.is_classic = True
    rig.sync()

    rig.sync()

    assert rig.state.current.is_classic
    assert len(backend.calls("/heartbeat")) == 1


def test_backend_that_learns_sync_is_noticed(make_rig, old_backend, clock):
    agent = make_rig(backend=old_backend)
    agent.sync()
    old_backend.is_classic = False
    clock.advance(timedelta(minutes=11))

    agent.sync()

    assert not agent.state.current.is_classic
    assert agent.state.current.role == "primary"


def test_classic_switch_reports_acknowledges_and_then_ends_the_host(make_rig, old_backend, ec2):
    agent = make_rig(backend=old_backend)
    old_backend.promote("i-old")
    old_backend.order_switch("c-1", POOLS, terminate_wait_seconds=120)
    agent.sync()

    agent.act(patience=100)
    before = (ec2.alive(), old_backend.commands["c-1"].status, agent.state.current.role)
    agent.act(patience=60)

    assert before == (["i-old", "i-new-1"], "completed", "superseded")
    assert ec2.alive() == ["i-new-1"]


def test_classic_switch_keeps_the_host_when_no_wait_is_given(make_rig, old_backend, ec2):
    agent = make_rig(backend=old_backend)
    old_backend.promote("i-old")
    old_backend.order_switch("c-1", POOLS)

    agent.live()

    assert ec2.alive() == ["i-old", "i-new-1"]


def test_offline_is_not_said_by_an_agent_that_never_registered(make_rig, backend):
    make_rig().supervisor._say_goodbye()

    assert backend.calls("/heartbeat") == []


def test_report_waits_for_the_backend_and_keeps_its_order(rig, backend):
    backend.order_switch("c-1", POOLS)
    backend.break_on("/executed", Answer(503), times=3)
    rig.live()
    rig.workers["prices"].tick()

    for _ in range(4):
        rig.deliver()

    order = [seen.path.split("/")[-1] for seen in backend.server.seen]
    assert order.index("pricing-report") > len(order) - 1 - order[::-1].index("executed")


def test_report_that_is_refused_for_good_does_not_block_the_others(rig, backend):
    backend.break_on("/pricing-report", Answer(400, {"error": "bad", "code": "invalid_request"}))
    rig.workers["prices"].tick()
    rig.workers["prices"].tick()

    rig.deliver()

    assert len(rig.outbox) == 0


def test_report_that_the_backend_breaks_on_does_not_hold_up_the_others_for_ever(
    rig, make_rig, backend
):
    backend.break_on("/executed", Answer(500), times=12)
    backend.order("c-1", "dance", "i-old", {})
    rig.live()
    rig.workers["prices"].tick()
    for _ in range(9):
        rig.deliver()

    rig.deliver()

    assert len(backend.calls("/pricing-report")) == 1
    assert make_rig().outbox.unacknowledged() == ["c-1"]


@pytest.mark.parametrize("status", [401, 403])
def test_report_is_kept_while_the_token_is_refused(rig, backend, status):
    backend.break_on("/pricing-report", Answer(status, {"error": "no", "code": "unauthenticated"}))
    rig.workers["prices"].tick()

    with pytest.raises(TransientBackendError):
        rig.workers["delivery"].tick()

    assert len(rig.outbox) == 1


def test_config_of_an_old_backend_can_disable_the_agent(make_rig, old_backend):
    old_backend.enabled = False
    agent = make_rig(backend=old_backend)

    agent.sync()

    assert old_backend.calls("/pending-commands") == []
    assert not agent.state.current.enabled


def test_old_backend_that_forgot_the_agent_is_registered_with_again(make_rig, old_backend, clock):
    agent = make_rig(backend=old_backend)
    agent.sync()
    clock.advance(timedelta(seconds=60))
    old_backend.break_on("/heartbeat", Answer(404, {"error": "unknown agent"}))

    with pytest.raises(PermanentBackendError):
        agent.sync()
    agent.sync()

    assert len(old_backend.calls("/register")) == 2
