"""A switch from command to acknowledgement, and every way in which it fails cleanly."""

from datetime import timedelta

import pytest

from agent.errors import AwsRejected, AwsThrottled
from tests.fakes.agent_http import Answer

POOLS = ["m5.large.us-east-1b", "m5.large.us-east-1c"]


def test_switch_moves_the_primary_when_all_is_well(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert backend.primary == "i-new-1"
    assert backend.switches["c-1"] == "completed"
    assert ec2.alive() == ["i-old", "i-new-1"]


def test_switch_reports_progress_in_order(rig, backend):
    backend.order_switch("c-1", POOLS)

    rig.live()

    bodies = [seen.body for seen in backend.calls("/progress")]
    assert [body["status"] for body in bodies] == ["launching", "running", "ready"]
    assert bodies[1]["new_instance_id"] == "i-new-1"
    assert bodies[1]["pool_id"] == POOLS[0]


def test_launch_is_not_reported_before_it_was_asked_for_when_ec2_tells_whole_seconds(rig, backend):
    rig.clock.advance(timedelta(milliseconds=400))  # the fake EC2 tells the second that has begun
    backend.order_switch("c-1", POOLS)

    rig.live()

    timing = backend.calls("/switch-report")[0].body["timing"]
    assert timing["instance_launched_at"] == "2026-03-02T12:00:00.400000+00:00"
    assert timing["initiated_at"] <= timing["instance_launched_at"] <= timing["instance_ready_at"]


def test_switch_takes_the_next_pool_when_one_is_full(rig, backend, ec2):
    ec2.full = {POOLS[0]}
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert ec2.instances["i-new-1"]["Placement"]["AvailabilityZone"] == "us-east-1c"
    assert backend.calls("/switch-report")[0].body["new_instance"]["pool_id"] == POOLS[1]


def test_switch_takes_ondemand_when_all_pools_are_full_and_it_may(rig, backend, ec2):
    ec2.full = {f"{pool}:spot" for pool in POOLS}
    backend.order_switch("c-1", POOLS, allow_ondemand=True)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert backend.calls("/switch-report")[0].body["new_instance"]["mode"] == "ondemand"


def test_switch_fails_with_every_reason_when_all_pools_are_full(rig, backend, ec2):
    ec2.full = set(POOLS)
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.commands["c-1"].status == "failed"
    assert backend.commands["c-1"].message == (
        "launch: no capacity in m5.large.us-east-1b spot (InsufficientInstanceCapacity), "
        "m5.large.us-east-1c spot (InsufficientInstanceCapacity)"
    )
    assert ec2.alive() == ["i-old"]


def test_switch_ends_what_it_launched_when_status_checks_fail(rig, backend, ec2):
    ec2.status_is_ok = False
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.commands["c-1"].message == "status_checks: not after 300 s"
    assert ec2.alive() == ["i-old"]
    assert backend.primary == "i-old"


def test_switch_fails_when_the_new_instance_dies_while_booting(rig, backend, ec2):
    ec2.boot = 1_000_000
    backend.order_switch("c-1", POOLS)
    rig.queue.while_waiting = lambda: (
        rig.deliver(), "i-new-1" in ec2.instances and ec2.set_state("i-new-1", "terminated"),
    )  # fmt: skip

    rig.live()

    assert backend.commands["c-1"].message == "running: i-new-1 is terminated"


def test_switch_tells_aws_code_when_the_launch_is_refused(rig, backend, ec2):
    ec2.failures["run"] = [
        AwsRejected("RunInstances: UnauthorizedOperation", code="UnauthorizedOperation")
    ]
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.commands["c-1"].message == "launch: RunInstances: UnauthorizedOperation"


def test_switch_launches_once_when_throttled(rig, backend, ec2):
    ec2.failures["run"] = [AwsThrottled("RunInstances"), AwsThrottled("RunInstances")]
    backend.order_switch("c-1", POOLS)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert len(ec2.launches) == 1


def test_switch_undoes_its_launch_when_the_backend_has_closed_it(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    facts = {"details": {"present": "failed"}, "code": "illegal_transition", "error": "closed"}
    rig.sync()
    rig.queue.while_waiting = rig.deliver
    backend.break_on("/progress", Answer(200, {"success": True}))
    backend.break_on("/progress", Answer(409, facts))

    rig.act()

    assert ec2.alive() == ["i-old"]
    assert backend.commands["c-1"].message.startswith("running: the switch is closed")


def test_switch_leaves_the_new_instance_alone_when_an_emergency_adopted_it(rig, backend, ec2):
    ec2.status_is_ok = False
    backend.order_switch("c-1", POOLS)
    rig.queue.while_waiting = lambda: (
        rig.deliver(),
        backend.primary == "i-old" and ec2.calls["passes_status_checks"] and _adopt(backend, rig),
    )

    rig.live()

    assert backend.primary == "i-new-1"
    assert ec2.alive() == ["i-old", "i-new-1"]


def _adopt(backend, rig):
    backend.promote("i-new-1")
    rig.workers["sync"].tick()


def test_switch_waits_for_the_backend_when_it_is_away_at_the_report(rig, backend):
    backend.order_switch("c-1", POOLS)
    backend.break_on("/switch-report", Answer(503, {}, {"Retry-After": "1"}), times=20)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert backend.primary == "i-new-1"


def test_switch_reports_once_more_when_the_answer_was_lost(rig, backend):
    backend.order_switch("c-1", POOLS)
    backend.break_on("/switch-report", Answer(0), after=True)

    rig.live()

    assert backend.commands["c-1"].status == "completed"
    assert backend.epoch == 2


def test_switch_does_nothing_when_a_superseded_host_is_asked(rig, backend, ec2):
    backend.order_switch("c-1", POOLS)
    rig.sync()
    backend.promote("i-other")
    rig.sync()

    rig.act()

    assert ec2.launches == []
    assert backend.commands["c-1"].message == "plan: this instance was superseded"


def test_switch_is_parked_when_the_agent_stops_and_resumed_by_the_next_run(
    rig, make_rig, backend, ec2
):
    backend.order_switch("c-1", POOLS)
    rig.sync()
    rig.queue.while_waiting = rig.queue.stop
    rig.act()
    assert backend.commands["c-1"].status == "open"

    again = make_rig()
    again.live()

    assert backend.commands["c-1"].status == "completed"
    assert len(ec2.launches) == 1


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"target_mode": None}, "plan: target_mode must be spot or ondemand"),
        ({"target_mode": "spot", "payload": {}, "target_pool_id": None}, "plan: a spot target needs a pool"),
        ({"payload": {"pools": ["nonsense"]}}, "plan: 'nonsense' is no pool, such as m5.large.us-east-1a"),
        ({"payload": {"pools": ["m5.large.us-east-1f"]}}, "plan: the network vpc-1 has no subnet in us-east-1f"),
        ({"command_type": "cleanup"}, "unsupported: this agent does not know cleanup"),
    ],
)  # fmt: skip
def test_command_is_refused_with_its_reason_when_it_cannot_be_done(
    rig, backend, ec2, over, message
):
    backend.order_switch("c-1", POOLS, **over)

    rig.live()

    assert backend.commands["c-1"].status == "failed"
    assert backend.commands["c-1"].message == message
    assert ec2.launches == []


def test_emergency_goes_first_and_parks_a_running_switch(rig, backend):
    backend.order_switch("c-1", POOLS)
    rig.sync()
    backend.order("c-2", "promote", "i-old", {})
    backend.commands["c-2"].row["priority"] = 100
    rig.queue.while_waiting = lambda: (rig.deliver(), rig.sync())

    rig.act()

    ends = [seen.path.split("/")[-2] for seen in backend.calls("/executed")]
    assert ends == ["c-2", "c-1"]
    assert backend.commands["c-1"].status == "completed"
