"""Replicas: launched for an order, promoted, looked after, rescued; and what forbids it."""

import threading

import pytest

from agent.errors import AwsUnavailable
from agent.imds import Imds
from tests.fakes.agent_http import Answer
from tests.fakes.agent_notice import give_notice, pass_seconds
from tests.fakes.agent_rig import make_identity

ORDER = {
    "replica_id": "r-1",
    "kind": "manual",
    "event_id": None,
    "instance_type": "m5.large",
    "pools": ["m5.large.us-east-1b", "m5.large.us-east-1c"],
    "allow_ondemand": False,
    "tags": {"team": "b"},
}


def _tags(launch):
    return {pair["Key"]: pair["Value"] for pair in launch["TagSpecifications"][0]["Tags"]}


def test_replica_is_launched_with_its_tags_and_bound(rig, backend, ec2):
    backend.order("c-1", "create_replica", "i-old", ORDER)

    rig.live()

    tags = _tags(ec2.launches[0])
    assert tags == {
        "Name": "web",
        "team": "b",
        "ManagedBy": "SpotOptimizer",
        "ClientId": "client-1",
        "LogicalAgentId": "web-1",
        "ReplicaId": "r-1",
        "LaunchedBy": "i-old",
    }
    body = next(s for s in backend.server.seen if s.method == "PUT").body
    assert (body["instance_id"], body["pool_id"], body["mode"], body["status"]) == (
        "i-new-1",
        "m5.large.us-east-1b",
        "spot",
        "syncing",
    )
    assert backend.commands["c-1"].status == "completed"


def test_replica_is_launched_once_when_two_commands_order_it(rig, backend, ec2):
    backend.order("c-1", "create_replica", "i-old", ORDER)
    backend.order("c-2", "create_replica", "i-old", ORDER)

    rig.live()

    assert len(ec2.launches) == 1
    assert [c.status for c in backend.commands.values()] == ["completed", "completed"]


def test_replica_falls_back_to_on_demand_when_the_pools_are_full(rig, backend, ec2):
    ec2.full = {f"{pool}:spot" for pool in ORDER["pools"]}
    backend.order("c-1", "create_replica", "i-old", {**ORDER, "allow_ondemand": True})

    rig.live()

    body = next(s for s in backend.server.seen if s.method == "PUT").body
    assert (body["mode"], body["pool_id"]) == ("ondemand", None)
    assert body["failed_pools"] == ORDER["pools"]


def test_replica_that_finds_no_room_is_reported_with_its_pools(rig, backend, ec2):
    ec2.full = set(ORDER["pools"])
    backend.order("c-1", "create_replica", "i-old", ORDER)

    rig.live()

    told = backend.calls("/replicas/r-1/status")[0].body
    assert told["status"] == "failed"
    assert told["failed_pools"] == ORDER["pools"]
    assert backend.commands["c-1"].message.startswith("launch: no capacity")


def test_replica_that_became_the_primary_meanwhile_is_not_ended(rig, backend, ec2):
    backend.order("c-1", "create_replica", "i-old", ORDER)
    backend.fallback.refuses_to_bind = True
    backend.roles["i-new-1"] = "replica"

    rig.live()

    assert ec2.alive() == ["i-old", "i-new-1"]
    assert backend.commands["c-1"].status == "failed"


@pytest.mark.parametrize(
    ("kind", "setting", "is_refused"),
    [
        ("manual", "REPLICA_ENABLED", True),
        ("manual", "EMERGENCY_REPLICA_ENABLED", False),
        ("automatic-rebalance", "REPLICA_ENABLED", False),
        ("automatic-rebalance", "EMERGENCY_REPLICA_ENABLED", True),
        ("automatic-termination", "EMERGENCY_REPLICA_ENABLED", True),
    ],
)
def test_host_refuses_what_its_settings_forbid(make_rig, backend, ec2, kind, setting, is_refused):
    agent = make_rig(environ={setting: "false"})
    agent.sync()
    backend.order("c-1", "create_replica", "i-old", {**ORDER, "kind": kind})

    agent.live()

    assert (ec2.launches == []) is is_refused
    assert backend.commands["c-1"].status == ("failed" if is_refused else "completed")


def test_replica_launches_nothing_itself(make_rig, backend, ec2):
    backend.promote("i-other")
    backend.roles["i-old"] = "replica"
    agent = make_rig()
    backend.order("c-1", "create_replica", "i-old", ORDER)
    backend.order_switch("c-2", ["m5.large.us-east-1b"])
    backend.commands["c-2"].holder = "i-old"

    agent.live()

    assert ec2.launches == []
    assert {c.status for c in backend.commands.values()} == {"failed"}


def test_order_for_a_notice_adopts_what_the_host_launched_by_itself(
    make_rig, backend, imds, ec2, clock
):
    agent = make_rig(imds=Imds(imds.url, clock))
    agent.sync()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)
    pass_seconds(agent, 8)
    order = {**ORDER, "replica_id": "r-9", "kind": "automatic-termination"}
    backend.order("c-1", "create_replica", "i-old", order)

    agent.sync()
    pass_seconds(agent, 3)

    assert len(ec2.launches) == 1
    assert backend.fallback.bound == {"r-9": "i-new-1"}
    assert backend.commands["c-1"].status == "completed"


def test_order_for_a_notice_that_comes_first_is_the_one_that_is_launched(
    make_rig, backend, imds, ec2, clock
):
    agent = make_rig(imds=Imds(imds.url, clock))
    agent.sync()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)
    agent.workers["interruption"].attempt()
    order = {**ORDER, "replica_id": "r-9", "kind": "automatic-termination"}
    backend.order("c-1", "create_replica", "i-old", order)

    agent.sync()
    pass_seconds(agent, 8)

    assert [_tags(one)["ReplicaId"] for one in ec2.launches] == ["r-9"]
    assert backend.fallback.bound == {"r-9": "i-new-1"}


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_order_that_came_as_a_command_is_not_launched_again_when_the_notice_names_it(
    make_rig, backend, imds, ec2, clock, lag
):
    """The standby was noticed, its substitute ordered; then the primary is noticed, too."""
    agent = make_rig(imds=Imds(imds.url, clock))
    agent.sync()
    order = {**ORDER, "replica_id": "r-e-1", "kind": "automatic-termination"}
    backend.order("c-1", "create_replica", "i-old", order)
    ec2.lag = lag  # EC2's lists do not show what was launched a moment ago
    launch = ec2.run

    def launch_while_the_notice_is_reported(parameters):
        ec2.run = launch
        give_notice(imds, clock)
        agent.workers["interruption"].attempt()
        return launch(parameters)

    ec2.run = launch_while_the_notice_is_reported
    agent.live()

    pass_seconds(agent, 8)

    assert len(ec2.launches) == 1
    assert backend.fallback.bound == {"r-e-1": "i-new-1"}


CUTOVER = {
    "CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1",
    "CUTOVER_TARGET_GROUP_ARNS": "arn:aws:elasticloadbalancing:x:1:targetgroup/web/1",
}
ARN = CUTOVER["CUTOVER_TARGET_GROUP_ARNS"]


@pytest.fixture
def promoted(make_rig, backend, ec2):
    """Start the replica that has just become the primary."""
    ec2.add("i-new", az="us-east-1b", tags={})
    ec2.targets = {ARN: {"i-old": "healthy"}}
    backend.promote("i-old")
    backend.promote("i-new")

    def start(**environ):
        payload = {"old_instance_id": "i-old", "switch_id": "s-1", "epoch": 2, "deadline": None}
        backend.order("c-1", "promote", "i-new", payload)
        return make_rig(identity=make_identity("i-new"), disk="new", environ=environ)

    return start


def test_promoted_host_takes_address_and_targets_and_reads_them_back(promoted, backend, ec2):
    promoted(**CUTOVER).live()

    assert ec2.address_holder == "i-new"
    assert ec2.targets[ARN] == {"i-new": "healthy"}
    assert backend.commands["c-1"].status == "completed"
    assert (ec2.calls["holder"], ec2.calls["health"]) == (2, 1)


def test_promoted_host_without_cut_over_has_nothing_to_do(promoted, backend, ec2):
    promoted().live()

    assert ec2.address_holder == "i-old"
    assert backend.commands["c-1"].status == "completed"


def test_promoted_host_says_when_the_traffic_does_not_follow(promoted, backend, ec2):
    ec2.target_health = "unhealthy"

    promoted(**CUTOVER, READINESS_TIMEOUT="20").live()

    assert backend.commands["c-1"].status == "failed"
    assert backend.commands["c-1"].message.startswith("cut_over: ")


def test_promoted_host_goes_on_when_aws_fails_for_a_while(promoted, backend, ec2):
    ec2.failures["associate"] = [AwsUnavailable("no")] * 3

    promoted(**CUTOVER).live()

    assert ec2.address_holder == "i-new"
    assert backend.commands["c-1"].status == "completed"


def _let_programs_run(agent):
    """The agent's clock flies; a program of the user needs real time."""

    def pause():
        threading.Event().wait(0.02)
        agent.deliver()

    return pause


def test_users_program_runs_first_and_last(promoted, tmp_path):
    log = tmp_path / "log"
    script = tmp_path / "cut.sh"
    names = "$CUTOVER_PHASE $CUTOVER_OLD_INSTANCE_ID $CUTOVER_NEW_INSTANCE_ID"
    script.write_text(f"#!/bin/sh\necho {names} >> {log}\n")
    script.chmod(0o755)

    agent = promoted(CUTOVER_COMMAND=str(script))
    agent.queue.while_waiting = _let_programs_run(agent)
    agent.live()

    assert log.read_text() == "begin i-old i-new\nverify i-old i-new\n"


def test_users_program_that_fails_is_named(promoted, backend):
    agent = promoted(CUTOVER_COMMAND="false")
    agent.queue.while_waiting = _let_programs_run(agent)
    agent.live()

    assert backend.commands["c-1"].message == "cut_over: CUTOVER_COMMAND failed at begin"


@pytest.mark.parametrize(
    ("state", "finding"),
    [
        ("running", "running"),
        ("stopped", "stopped"),
        ("shutting-down", "terminated"),
        (None, "missing"),
    ],
)
def test_verification_tells_what_ec2_knows(rig, backend, ec2, state, finding):
    if state is not None:
        ec2.add("i-silent", az="us-east-1b", tags={}, state=state)
    payload = {"event_id": "e-7", "instance_id": "i-silent", "region": "us-east-1"}
    backend.order("c-1", "verify_primary", "i-old", payload)

    rig.live()

    call = backend.calls("/interruptions/e-7/findings")[0]
    assert (call.body["instance_id"], call.body["state"]) == ("i-silent", finding)
    assert backend.commands["c-1"].message == f"i-silent is {finding}"


def test_verification_of_another_region_is_refused(rig, backend):
    payload = {"event_id": "e-7", "instance_id": "i-silent", "region": "eu-west-1"}
    backend.order("c-1", "verify_primary", "i-old", payload)

    rig.live()

    assert backend.commands["c-1"].status == "failed"
    assert backend.calls("/findings") == []


@pytest.fixture
def rescue(rig, backend, ec2):
    """Order the rescue of another agent's silent instance."""

    def order(**over):
        spec = {**rig.own_host.read().to_wire(), "tags": {"Name": "other"}}
        payload = {
            "event_id": "e-7",
            "agent_id": "agent-1",
            "logical_agent_id": "db-1",
            "instance_id": "i-silent",
            "replica_id": "r-7",
            "launch_spec": spec,
            "pools": ["m5.large.us-east-1c"],
            "allow_ondemand": False,
            **over,
        }
        backend.order("c-1", "rescue", "i-old", payload)
        rig.live()

    return order


def test_rescuer_launches_for_the_dead_with_its_tags(rescue, backend, ec2):
    backend.fallback.finding_plan = {"action": "launch", "order": {"replica_id": "r-7"}}

    rescue()

    tags = _tags(ec2.launches[0])
    assert (tags["LogicalAgentId"], tags["ReplicaId"], tags["Name"]) == ("db-1", "r-7", "other")
    assert backend.fallback.bound == {"r-7": "i-new-1"}
    assert backend.commands["c-1"].status == "completed"


def test_rescuer_launches_nothing_for_the_living(rescue, backend, ec2):
    ec2.add("i-silent", az="us-east-1b", tags={})

    rescue()

    assert ec2.launches == []
    assert backend.calls("/findings")[0].body["state"] == "running"
    assert backend.commands["c-1"].status == "completed"


def test_rescuer_is_content_when_nothing_follows_from_its_finding(rescue, backend, ec2):
    backend.fallback.finding_plan = None

    rescue()

    assert ec2.launches == []
    assert backend.commands["c-1"].status == "completed"


def test_rescuer_launches_for_a_host_that_has_no_user_data(rescue, rig, backend, ec2):
    plan = {
        "action": "launch",
        "replica_id": "r-8",
        "pools": ["m5.large.us-east-1b"],
        "order": None,
    }
    backend.fallback.finding_plan = plan
    spec = rig.own_host.read().to_wire()
    del spec["user_data"]

    rescue(launch_spec=spec, replica_id=None, pools=[])

    assert ec2.launches[0]["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert "UserData" not in ec2.launches[0]
    assert backend.fallback.bound == {"r-8": "i-new-1"}


def test_rescuer_says_when_the_launch_spec_is_not_whole(rescue, backend, ec2):
    backend.fallback.finding_plan = {"action": "launch", "order": {"replica_id": "r-7"}}

    rescue(launch_spec={"ami_id": "ami-1"})

    assert ec2.launches == []
    assert backend.commands["c-1"].message == "plan: the launch spec is not whole"


def test_image_is_taken_when_it_is_ordered(rig, backend, ec2):
    backend.order("c-1", "snapshot", "i-old", {})

    rig.live()

    assert ec2.images == {"spot-optimizer-c-1"}
    assert backend.commands["c-1"].status == "completed"
