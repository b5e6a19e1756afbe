"""A notice of EC2: seen at once, on disk first, one replacement, the backend dead or slow."""

import json
from datetime import timedelta

import pytest

from agent.imds import Imds
from tests.fakes.agent_http import Answer
from tests.fakes.agent_notice import (
    REBALANCE,
    TERMINATION,
    give_notice,
    pass_seconds,
    slow_transport,
)
from tests.fakes.agent_rig import make_identity

READY = {"action": "hand_over", "new_instance_id": "i-ready", "epoch": 1}
LAUNCH = {"action": "launch", "pools": ["m5.large.us-east-1c"], "allow_ondemand": False, "epoch": 1}


@pytest.fixture
def start(make_rig, imds, clock):
    """Start the registered primary, on a host with metadata."""

    def start(**over):
        agent = make_rig(imds=Imds(imds.url, clock), **over)
        agent.sync()
        return agent

    return start


def _die(backend):
    backend.break_on("", Answer(0), times=10**6)


def _az(launch):
    return launch["Placement"]["AvailabilityZone"]


def _tags(launch):
    return {pair["Key"]: pair["Value"] for pair in launch["TagSpecifications"][0]["Tags"]}


def test_no_notice_asks_neither_ec2_nor_the_backend(start, backend, ec2):
    agent = start()
    asked, sent = ec2.calls.copy(), len(backend.server.seen)

    pass_seconds(agent, 60)

    assert ec2.calls == asked
    assert len(backend.server.seen) == sent


def test_metadata_is_asked_every_two_seconds_whatever_the_interval(start, imds):
    agent = start(environ={"TERMINATION_CHECK_INTERVAL": "30"})

    assert agent.workers["interruption"].interval == 2


def test_on_demand_host_asks_no_metadata(start, imds):
    agent = start(identity=make_identity(mode="ondemand"))
    imds.seen.clear()

    pass_seconds(agent, 10)

    assert imds.seen == []


def test_notice_is_reported_with_its_action_and_time(start, backend, imds, clock):
    agent = start()
    time = give_notice(imds, clock)

    agent.workers["interruption"].tick()

    body = backend.calls("/interruption")[0].body
    assert body == {
        "instance_id": "i-old",
        "signal": "termination-notice",
        "notice_time": time,
        "action": "terminate",
        "detected_at": body["detected_at"],
        "is_drill": False,
        "launched": None,
    }


def test_ordered_replacement_is_launched_at_once_bound_and_handed_over_to(
    start, backend, imds, ec2, clock
):
    agent = start()
    give_notice(imds, clock)

    pass_seconds(agent, 6)

    assert [_az(one) for one in ec2.launches] == ["us-east-1b"]
    assert _tags(ec2.launches[0])["ReplicaId"] == "r-e-1"
    assert backend.fallback.bound == {"r-e-1": "i-new-1"}
    assert backend.primary == "i-new-1"
    assert agent.state.current.is_retired


def test_full_pools_are_passed_over_and_named(start, backend, imds, ec2, clock):
    ec2.full = {"m5.large.us-east-1b"}
    agent = start()
    give_notice(imds, clock)

    pass_seconds(agent, 6)

    assert [_az(one) for one in ec2.launches] == ["us-east-1c"]
    bound = next(s for s in backend.server.seen if s.method == "PUT" and "replicas" in s.path)
    assert bound.body["failed_pools"] == ["m5.large.us-east-1b"]


def test_launch_is_tried_again_until_there_is_room(start, backend, imds, ec2, clock):
    ec2.full = {f"m5.large.us-east-1{zone}" for zone in "abc"}
    agent = start()
    give_notice(imds, clock)
    pass_seconds(agent, 20)
    before = len(ec2.launches)
    ec2.full = set()

    pass_seconds(agent, 20)

    assert (before, len(ec2.launches)) == (0, 1)
    assert backend.primary == "i-new-1"


def test_ready_replica_of_the_backend_is_handed_over_to(start, backend, imds, ec2, clock):
    backend.fallback.ready = "i-ready"
    agent = start(environ={"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"})
    give_notice(imds, clock)

    pass_seconds(agent, 3)

    assert ec2.launches == []
    assert ec2.address_holder == "i-ready"
    assert agent.state.current.is_retired


@pytest.mark.parametrize("delay", [4.0, 10.0, 20.0, None])
def test_host_with_a_ready_replica_on_disk_hands_over_to_it_however_late_the_answer(
    start, backend, imds, ec2, clock, delay
):
    backend.fallback.ready = "i-ready"
    backend.emergency_plan = READY
    wanted = {"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"}
    agent = start(transport=slow_transport(clock, delay), environ=wanted)
    give_notice(imds, clock)

    pass_seconds(agent, 3)
    holder = ec2.address_holder
    pass_seconds(agent, 100)

    assert holder == "i-ready"
    assert ec2.launches == []
    assert (backend.primary == "i-ready") is (delay is not None)


@pytest.mark.parametrize("plan", [None, LAUNCH])
@pytest.mark.parametrize("delay", [4.0, 10.0, 20.0, None])
def test_host_without_replica_launches_exactly_one_however_late_the_answer(
    start, backend, imds, ec2, clock, delay, plan
):
    backend.emergency_plan = plan
    agent = start(transport=slow_transport(clock, delay))
    give_notice(imds, clock)

    pass_seconds(agent, 3)
    early = len(ec2.launches)
    pass_seconds(agent, 100)

    assert early == 1
    assert len(ec2.launches) == 1
    assert _az(ec2.launches[0]) == ("us-east-1c" if plan else "us-east-1b")
    assert (backend.fallback.bound == {"r-e-1": "i-new-1"}) is (delay is not None)
    assert (backend.primary == "i-new-1") is (delay is not None)


def test_own_launch_is_named_to_the_backend_and_gets_the_orders_tag(
    start, backend, imds, ec2, clock
):
    agent = start(transport=slow_transport(clock, 4.0))
    give_notice(imds, clock)

    pass_seconds(agent, 30)

    tags = _tags(ec2.launches[0])
    assert "ReplicaId" not in tags
    assert tags["LaunchedBy"] == "i-old"
    assert len(tags["EventKey"]) == 32
    named = [s.body["launched"] for s in backend.calls("/interruption") if s.body["launched"]]
    assert named[0]["instance_id"] == "i-new-1"
    assert {"Key": "ReplicaId", "Value": "r-e-1"} in ec2.instances["i-new-1"]["Tags"]


def test_host_whose_backend_is_dead_from_the_start_acts_by_the_plan_on_disk(
    start, make_rig, backend, imds, ec2, clock
):
    backend.emergency_plan = LAUNCH
    start()
    _die(backend)
    agent = make_rig(imds=Imds(imds.url, clock))
    give_notice(imds, clock)

    pass_seconds(agent, 5)

    assert [_az(one) for one in ec2.launches] == ["us-east-1c"]


def test_own_replacement_gets_the_traffic_at_the_last_moment_when_nobody_answers(
    start, backend, imds, ec2, clock
):
    agent = start(environ={"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"})
    _die(backend)
    give_notice(imds, clock)

    pass_seconds(agent, 100)
    before = ec2.address_holder
    pass_seconds(agent, 15)

    assert before == "i-old"
    assert ec2.address_holder == "i-new-1"
    assert agent.state.current.is_retired


def test_books_follow_when_the_backend_comes_back(start, backend, imds, ec2, clock):
    backend.emergency_plan = READY
    backend.fallback.ready = "i-ready"
    agent = start()
    _die(backend)
    give_notice(imds, clock)
    pass_seconds(agent, 30)
    backend.troubles.clear()

    pass_seconds(agent, 3)

    assert backend.primary == "i-ready"
    assert ec2.launches == []


def test_host_that_hands_over_by_itself_stays_fenced_while_the_backend_knows_nothing(
    start, backend, imds, clock
):
    backend.emergency_plan = READY
    agent = start()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)
    pass_seconds(agent, 5)

    agent.sync()

    assert backend.primary == "i-old"
    assert agent.state.current.is_retired
    assert not agent.state.current.enabled


def test_host_that_ec2_did_not_take_acts_again(start, backend, imds, clock):
    backend.emergency_plan = READY
    agent = start()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)
    pass_seconds(agent, 5)
    del imds.items[TERMINATION]
    clock.advance(timedelta(minutes=13))

    agent.workers["interruption"].tick()
    agent.sync()

    assert agent.state.current.is_acting_primary


def test_superseded_host_that_learns_it_by_sync_hands_over(start, backend, imds, ec2, clock):
    agent = start(environ={"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"})
    backend.break_on("/interruption", Answer(0), times=10**6)
    backend.emergency_plan = {"action": "none"}
    agent.sync()
    give_notice(imds, clock)
    agent.workers["interruption"].tick()
    backend.promote("i-ready")
    agent.sync()

    pass_seconds(agent, 6)

    assert ec2.address_holder == "i-ready"
    assert ec2.launches == []


@pytest.mark.parametrize("action", ["none", "monitor"])
def test_host_that_is_told_to_do_nothing_launches_nothing(start, backend, imds, ec2, clock, action):
    backend.fallback.plan = {"action": action, "reason": "frozen"}
    agent = start()
    give_notice(imds, clock)

    pass_seconds(agent, 60)

    assert ec2.launches == []
    assert (len(backend.calls("/interruption")) > 2) is (action == "monitor")
    assert not agent.state.current.is_retired


def test_host_waits_for_a_replacement_that_is_on_its_way(start, backend, imds, ec2, clock):
    backend.fallback.plan = {"action": "await"}
    agent = start()
    give_notice(imds, clock)
    pass_seconds(agent, 20)
    asked = len(backend.calls("/interruption"))
    backend.fallback.plan = {"action": "hand_over", "new_instance_id": "i-ready"}

    pass_seconds(agent, 6)

    assert asked >= 15
    assert ec2.launches == []
    assert agent.state.current.is_retired


def test_setting_of_the_host_forbids_the_launch_and_the_backend_is_told(
    start, backend, imds, ec2, clock
):
    agent = start(environ={"EMERGENCY_REPLICA_ENABLED": "false"})
    give_notice(imds, clock)

    pass_seconds(agent, 10)

    assert ec2.launches == []
    told = backend.calls("/replicas/r-e-1/status")[0].body
    assert told["status"] == "failed"
    assert "EMERGENCY_REPLICA_ENABLED=false" in told["error_message"]


def test_disabled_host_launches_nothing_by_itself(start, backend, imds, ec2, clock):
    backend.enabled = False
    agent = start()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)

    pass_seconds(agent, 20)

    assert ec2.launches == []


def test_notice_of_a_replica_is_only_reported(start, make_rig, backend, imds, ec2, clock):
    backend.promote("i-other")
    backend.roles["i-old"] = "replica"
    agent = start()
    backend.fallback.plan = {"action": "monitor"}
    give_notice(imds, clock)

    pass_seconds(agent, 10)

    assert len(backend.calls("/interruption")) == 1
    assert ec2.launches == []


def test_b1_notice_is_reported_until_it_is_delivered(start, backend, imds, ec2, clock):
    agent = start()
    backend.break_on("/interruption", Answer(500), times=5)
    give_notice(imds, clock)

    pass_seconds(agent, 12)

    assert backend.primary == "i-new-1"
    assert len(ec2.launches) == 1


def test_b3_agent_that_starts_again_neither_repeats_the_launch_nor_the_cut_over(
    start, backend, imds, ec2, clock
):
    environ = {"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"}
    agent = start(environ=environ)
    give_notice(imds, clock)
    pass_seconds(agent, 10)
    moved, reported = ec2.calls["associate"], len(backend.calls("/interruption"))

    again = start(environ=environ)
    pass_seconds(again, 30)

    assert len(ec2.launches) == 1
    assert ec2.calls["associate"] == moved
    assert len(backend.calls("/interruption")) == reported


def test_repeated_notices_are_one_event_also_when_their_time_changes(
    start, backend, imds, ec2, clock
):
    agent = start()
    give_notice(imds, clock)
    pass_seconds(agent, 10)
    give_notice(imds, clock)

    pass_seconds(agent, 20)

    assert len(ec2.launches) == 1
    assert len({s.body["notice_time"] for s in backend.calls("/interruption")}) == 1


def test_b4_notice_is_seen_without_any_call_to_ec2(start, imds, ec2, clock):
    agent = start()
    give_notice(imds, clock)
    asked = ec2.calls.copy()

    agent.workers["interruption"].tick()

    assert ec2.calls == asked


def test_b5_first_word_to_the_backend_waits_three_seconds_at_most(start, imds, clock):
    agent = start(transport=slow_transport(clock, None))
    give_notice(imds, clock)
    before = clock.monotonic()

    agent.workers["interruption"].tick()

    assert clock.monotonic() - before == pytest.approx(3)


def test_b8_metadata_that_fails_is_no_absence_of_notice(start, imds, clock, caplog):
    agent = start()
    worker = agent.workers["interruption"]
    imds.status[TERMINATION] = 500

    for _ in range(5):
        worker.attempt()

    assert worker.failures == 5
    said = [r for r in caplog.records if getattr(r, "action", "") == "metadata_unavailable"]
    assert len(said) == 1
    assert worker.interval == 2


def test_b8_metadata_that_makes_no_sense_is_no_absence_of_notice(start, imds):
    agent = start()
    imds.items[TERMINATION] = "<html>"

    agent.workers["interruption"].attempt()

    assert agent.workers["interruption"].failures == 1


def test_metadata_that_fails_after_the_notice_changes_nothing(start, backend, imds, ec2, clock):
    agent = start()
    give_notice(imds, clock)
    agent.workers["interruption"].tick()
    imds.status = {"api/token": 500, TERMINATION: 500}

    pass_seconds(agent, 10)

    assert backend.primary == "i-new-1"


def test_old_notice_that_metadata_still_shows_is_passed_over(start, backend, imds, clock):
    agent = start()
    give_notice(imds, clock, seconds=-900)

    pass_seconds(agent, 5)

    assert backend.calls("/interruption") == []


def test_drain_program_runs_once_and_at_once(start, imds, clock, tmp_path):
    log = tmp_path / "drained"
    script = tmp_path / "drain.sh"
    script.write_text(f'#!/bin/sh\necho "$INTERRUPTED_INSTANCE_ID" >> {log}\n')
    script.chmod(0o755)
    agent = start(environ={"DRAIN_COMMAND": str(script)})
    give_notice(imds, clock)

    pass_seconds(agent, 5)
    drain = agent.workers["interruption"]._takeaway._drain
    if drain is not None:
        drain._process.wait(10)

    assert log.read_text() == "i-old\n"


def test_drain_program_that_hangs_is_ended_and_does_not_stop_the_hand_over(
    start, backend, imds, clock
):
    backend.fallback.ready = "i-ready"
    agent = start(environ={"DRAIN_COMMAND": "sleep 600", "DRAIN_TIMEOUT": "10"})
    give_notice(imds, clock)

    pass_seconds(agent, 20)

    assert agent.workers["interruption"]._takeaway._drain is None
    assert agent.state.current.is_retired


def test_last_image_is_taken_once_where_it_is_wanted(start, imds, ec2, clock):
    agent = start(environ={"SNAPSHOT_ON_TERMINATION": "true"})
    give_notice(imds, clock)

    pass_seconds(agent, 10)

    assert ec2.calls["create"] == 1
    assert len(ec2.launches) == 1


def test_rebalance_is_reported_once_and_moves_nothing(start, backend, imds, ec2, clock):
    agent = start(environ={"REBALANCE_CHECK_INTERVAL": "5"})
    imds.items[REBALANCE] = json.dumps({"noticeTime": "2026-03-02T12:00:00Z"})

    pass_seconds(agent, 60)

    calls = backend.calls("/interruption")
    assert [call.body["signal"] for call in calls] == ["rebalance-recommendation"]
    assert calls[0].body["notice_time"] == "2026-03-02T12:00:00Z"
    assert ec2.launches == []
    assert not agent.state.current.is_retired


def test_rebalance_is_reported_until_it_is_delivered_and_not_again_after_a_restart(
    start, backend, imds, clock
):
    agent = start()
    backend.break_on("/interruption", Answer(503), times=3)
    imds.items[REBALANCE] = json.dumps({"noticeTime": "2026-03-02T12:00:00Z"})
    pass_seconds(agent, 20)
    delivered = len(backend.calls("/interruption"))

    pass_seconds(start(), 60)

    assert delivered == 4
    assert len(backend.calls("/interruption")) == 4


def test_running_switch_lets_the_emergency_go_first(start, backend, imds, ec2, clock):
    backend.fallback.ready = "i-ready"
    agent = start()
    ec2.boot = 10**6
    backend.order_switch("c-1", ["m5.large.us-east-1b"])
    agent.sync()
    noticed = []

    def notice_meanwhile():
        agent.deliver()
        if ec2.launches and not noticed:
            noticed.append(give_notice(imds, clock))
            agent.workers["interruption"].tick()

    agent.queue.while_waiting = notice_meanwhile

    pass_seconds(agent, 5)

    assert backend.primary == "i-ready"


def test_host_that_becomes_the_primary_after_its_notice_asks_again(
    start, backend, imds, ec2, clock
):
    backend.promote("i-other")
    backend.roles["i-old"] = "replica"
    agent = start()
    backend.fallback.plan = {"action": "monitor"}
    give_notice(imds, clock)
    pass_seconds(agent, 5)
    backend.fallback.plan = None
    backend.promote("i-old")
    agent.sync()

    pass_seconds(agent, 8)

    assert len(ec2.launches) == 1
    assert backend.primary == "i-new-1"


def test_fenced_host_stays_fenced_after_a_restart(start, backend, imds, clock):
    backend.emergency_plan = READY
    agent = start()
    backend.break_on("/interruption", Answer(0), times=10**6)
    give_notice(imds, clock)
    pass_seconds(agent, 5)

    again = start()

    assert again.state.current.is_retired
    assert not again.state.current.enabled


def test_host_of_an_old_backend_launches_its_replacement(make_rig, old_backend, imds, ec2, clock):
    agent = make_rig(backend=old_backend, imds=Imds(imds.url, clock))
    agent.sync()
    give_notice(imds, clock)

    pass_seconds(agent, 60)

    assert len(ec2.launches) == 1


def test_host_that_never_registered_launches_nothing(make_rig, backend, imds, ec2, clock):
    _die(backend)
    agent = make_rig(imds=Imds(imds.url, clock))
    give_notice(imds, clock)

    pass_seconds(agent, 130)

    assert ec2.launches == []


def test_order_after_a_hand_over_by_the_plan_on_disk_is_launched(start, backend, imds, ec2, clock):
    backend.emergency_plan = READY
    agent = start()
    backend.break_on("/interruption", Answer(0), times=4)
    give_notice(imds, clock)
    pass_seconds(agent, 20)

    assert len(ec2.launches) == 1
    assert backend.fallback.bound == {"r-e-1": "i-new-1"}
    assert backend.primary == "i-new-1"
