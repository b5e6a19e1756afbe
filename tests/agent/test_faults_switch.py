"""Faults of earlier agents around a switch (A-1 to A-17): none of them can happen here."""

import threading
import time

import pytest

from agent.actions.queue import ActionQueue, Checkpoint
from agent.clock import SystemClock
from agent.errors import Parked
from tests.fakes.agent_rig import make_identity

POOLS = ["m5.large.us-east-1b", "m5.large.us-east-1c"]


def _order_of_calls(backend, *endings: str) -> list[str]:
    paths = [seen.path.rsplit("/", 1)[-1] for seen in backend.server.seen]
    return [path for path in paths if path in endings]


def test_a1_old_host_does_not_end_itself_before_it_has_reported(rig, backend, ec2):
    backend.order_switch("c-1", POOLS, terminate_wait_seconds=60)

    rig.live()

    assert _order_of_calls(backend, "switch-report", "executed") == ["switch-report", "executed"]
    assert ec2.calls["terminate"] == 0


def test_a2_successor_does_not_execute_the_command_that_made_it(make_rig, old_backend, ec2):
    old_backend.promote("i-new")
    old_backend.order_switch("c-1", POOLS)
    tags = {"CommandId": "c-1", "LogicalAgentId": "web-1"}
    agent = make_rig(backend=old_backend, identity=make_identity("i-new", tags=tags))

    agent.live()

    assert ec2.launches == []
    assert old_backend.commands["c-1"].status == "completed"


def test_a2_command_that_is_handed_out_again_is_executed_once(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    for _ in range(3):
        rig.sync()

    rig.act()
    rig.actor.accept(rig.journal.get("c-1").command)
    rig.act()

    assert len(ec2.launches) == 1


def test_a3_superseded_host_neither_acts_nor_speaks_for_its_agent(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    rig.live()
    rig.sync()
    backend.order("c-2", "switch", "i-old", {"pools": POOLS})

    rig.live()
    rig.supervisor._say_goodbye()

    assert len(ec2.launches) == 1
    assert backend.calls("/heartbeat")[-1].body["instance_id"] == "i-old"


def test_a4_new_instance_gets_user_data_and_volumes(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert ec2.launches[0]["UserData"] == b"#!/bin/sh"
    assert ec2.launches[0]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 30


def test_a5_spot_without_a_pool_is_not_launched_as_ondemand(rig, backend, ec2):
    backend.order_switch("c-1", [], target_mode="spot")

    rig.live()

    assert ec2.launches == []
    assert backend.commands["c-1"].status == "failed"


def test_a6_launch_in_another_zone_names_a_subnet_of_the_same_network(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert ec2.launches[0]["SubnetId"] == "subnet-b"


@pytest.mark.parametrize("over", [{"priority": None}, {"terminate_wait_seconds": "300"}])
def test_a7_odd_numbers_do_not_lose_an_instance(rig, backend, ec2, over):
    backend.order_switch("c-1", POOLS, **over)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert backend.primary == "i-new-1"


@pytest.mark.parametrize("method", ["passes_status_checks", "find"])
def test_a7_whatever_breaks_after_the_launch_the_instance_is_ended(rig, backend, ec2, method):
    backend.order_switch("c-1", POOLS)
    rig.sync()
    rig.own_host.read()
    real_run = ec2.run

    def run_then_break(parameters):
        launched = real_run(parameters)
        ec2.failures[method] = [KeyError("surprise")]
        return launched

    ec2.run = run_then_break

    rig.act()

    assert ec2.alive() == ["i-old"]
    assert "internal error KeyError" in backend.commands["c-1"].message


def test_a8_traffic_is_not_moved_before_the_new_instance_is_checked(rig, backend, ec2):
    ec2.status_is_ok = False
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.calls("/switch-report") == []


def test_a9_superseded_host_that_restarts_does_not_take_its_place_back(rig, make_rig, backend):
    backend.order_switch("c-1", POOLS)
    rig.live()

    again = make_rig()
    again.live()

    assert backend.primary == "i-new-1"
    assert again.state.current.is_retired


def test_a10_waits_end_within_a_second_when_the_agent_stops():
    queue, clock = ActionQueue(SystemClock()), SystemClock()
    checkpoint = Checkpoint(queue, clock, 75, lambda: False)
    threading.Timer(0.05, queue.stop).start()
    started = time.monotonic()

    with pytest.raises(Parked):
        checkpoint.wait(3600)

    assert time.monotonic() - started < 1


def test_a11_full_pools_are_passed_over_and_the_reason_is_told(rig, backend, ec2):
    ec2.full = set(POOLS)
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert "InsufficientInstanceCapacity" in backend.commands["c-1"].message


def test_a12_type_and_zone_of_the_target_are_honoured(rig, backend, ec2):
    backend.order_switch("c-1", [], target_mode="ondemand", target_pool_id="c5.large.us-east-1c")

    rig.live()

    assert ec2.launches[0]["InstanceType"] == "c5.large"
    assert ec2.launches[0]["Placement"] == {"AvailabilityZone": "us-east-1c"}


def test_a13_everything_that_a_launch_makes_carries_the_effective_names(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)

    rig.live()

    specifications = ec2.launches[0]["TagSpecifications"]
    kinds = {one["ResourceType"] for one in specifications}
    tags = {pair["Key"]: pair["Value"] for pair in specifications[0]["Tags"]}
    assert kinds == {"instance", "volume", "network-interface", "spot-instances-request"}
    assert tags == {
        "Name": "web",
        "team": "a",
        "ManagedBy": "SpotOptimizer",
        "ClientId": "client-1",
        "LogicalAgentId": "web-1",
        "CommandId": "c-1",
        "LaunchedBy": "i-old",
    }


def test_a14_every_command_is_answered_and_unknown_ones_are_no_switches(rig, backend, ec2):
    backend.order_switch("c-1", POOLS, target_mode=None)
    backend.order("c-2", "dance", "i-old", {})

    rig.live()

    assert {c.status for c in backend.commands.values()} == {"failed"}
    assert ec2.launches == []


def test_a15_report_names_the_command_under_all_names_of_its_parts(rig, backend):
    rig.prices.refresh()
    backend.order_switch("c-1", POOLS)

    rig.live()

    body = backend.calls("/switch-report")[0].body
    assert body["command_id"] == "c-1"
    assert body["prices"] == body["pricing"] == {
        "on_demand": 0.096, "old_spot": 0.0351, "new_spot": 0.0337,
    }  # fmt: skip
    assert {"initiated_at", "switch_initiated_at"} <= set(body["timing"])
    assert {"instance_ready_at", "new_instance_ready_at"} <= set(body["timing"])
    assert body["trigger"] == "manual"


def test_a16_two_switches_never_run_at_the_same_time(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    backend.order_switch("c-2", POOLS)
    rig.queue.while_waiting = lambda: (rig.deliver(), rig.sync())

    rig.live()

    assert len(ec2.launches) == 1
    assert backend.commands["c-2"].message == "plan: this instance was superseded"


def test_a17_acknowledged_command_is_not_executed_again(make_rig, old_backend, ec2):
    old_backend.promote("i-old")
    old_backend.order_switch("c-1", POOLS)
    agent = make_rig(backend=old_backend)

    agent.live()
    agent.live()

    assert old_backend.commands["c-1"].status == "completed"
    assert len(ec2.launches) == 1
