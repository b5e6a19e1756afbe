"""The loops' common behaviour, the inventory and the enrolment."""

from typing import ClassVar

import pytest

from agent.actions.plans import ENROLMENT_TAG
from agent.errors import AwsRejected, TransientBackendError
from agent.workers.base import Worker
from tests.fakes.agent_http import Answer

OURS = {"ManagedBy": "SpotOptimizer", "ClientId": "client-1", "LogicalAgentId": "web-1"}


class Scripted(Worker):
    """Raises what it is told to."""

    name: ClassVar[str] = "scripted"

    def __init__(self, clock, *errors) -> None:
        super().__init__(15.0, clock)
        self.errors = list(errors)
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error


def test_worker_keeps_its_interval_with_jitter(clock):
    pauses = {Scripted(clock).attempt() for _ in range(20)}

    assert all(15 * 0.85 <= pause <= 15 * 1.15 for pause in pauses)
    assert len(pauses) > 1


def test_worker_backs_off_while_it_fails_and_recovers(clock):
    worker = Scripted(clock, *[TransientBackendError("away")] * 8)

    pauses = [worker.attempt() for _ in range(9)]

    assert pauses[0] <= 2
    assert 15 <= pauses[7] <= 60
    assert 12 <= pauses[8] <= 18


def test_worker_waits_as_long_as_it_was_asked_to(clock):
    worker = Scripted(clock, TransientBackendError("busy", retry_after=40))

    assert worker.attempt() == 40


def test_worker_says_the_same_failure_once(clock, caplog):
    worker = Scripted(clock, *[TransientBackendError("away")] * 5)
    for _ in range(5):
        worker.attempt()

    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


def test_worker_is_stuck_when_it_keeps_breaking_in_the_same_way(clock):
    worker = Scripted(clock, *[KeyError("x")] * 10)
    for _ in range(9):
        worker.attempt()
    before = worker.stuck

    worker.attempt()

    assert before is None
    assert str(worker.stuck) == "scripted: KeyError: 'x', 10 times in a row"


def test_worker_is_not_stuck_when_it_works_in_between(clock):
    worker = Scripted(clock, *([KeyError("x")] * 9 + [None]) * 2)
    for _ in range(20):
        worker.attempt()

    assert worker.stuck is None


def test_inventory_lists_this_host_and_everything_with_its_tags(rig, backend, ec2):
    ec2.add("i-2", az="us-east-1b", tags={**OURS, "Name": "x"})
    ec2.add("i-3", az="us-east-1b", tags={**OURS, "LogicalAgentId": "web-2"})

    rig.workers["inventory"].tick()

    rows = backend.calls("/inventory")[0].body["instances"]
    assert {row["instance_id"]: row["tags"] for row in rows} == {"i-2": OURS, "i-old": {}}


def test_launch_spec_is_uploaded_once_and_again_when_it_has_changed(rig, backend, ec2, clock):
    worker = rig.workers["enrolment"]
    worker.tick()
    rig.own_host._spec = None
    worker.tick()
    ec2.instances["i-old"]["KeyName"] = "key-2"
    rig.own_host._spec = None

    worker.tick()

    keys = [seen.body["spec"]["key_name"] for seen in backend.calls("/launch-spec")]
    assert keys == ["key-1", "key-2"]


def test_launch_spec_is_not_read_again_while_the_backend_is_away(rig, backend, ec2):
    backend.break_on("/launch-spec", Answer(503), times=5)

    for _ in range(6):
        rig.workers["enrolment"].attempt()

    assert ec2.calls["volumes"] == 1
    assert len(backend.calls("/launch-spec")) == 6


def test_own_host_is_marked_so_that_it_may_be_retired_later(rig, ec2):
    rig.workers["enrolment"].tick()
    rig.workers["enrolment"].tick()

    assert {"Key": ENROLMENT_TAG, "Value": "client-1:web-1"} in ec2.instances["i-old"]["Tags"]
    assert ec2.calls["tag"] == 1


@pytest.mark.parametrize("environ", [{"AUTO_TERMINATE_OLD_INSTANCE": "false"}, {}])
def test_own_host_is_not_marked_when_it_is_not_to_be_retired(make_rig, backend, ec2, environ):
    backend.auto_terminate = bool(environ)
    agent = make_rig(environ=environ)
    agent.sync()

    agent.workers["enrolment"].tick()

    assert ec2.calls["tag"] == 0


def test_host_of_ours_needs_no_mark(rig, ec2):
    ec2.instances["i-old"]["Tags"] = [{"Key": k, "Value": v} for k, v in OURS.items()]

    rig.workers["enrolment"].tick()

    assert ec2.calls["tag"] == 0


def test_refused_mark_is_said_and_does_no_harm(rig, ec2, backend):
    ec2.failures["tag"] = [AwsRejected("CreateTags: Unauthorized", code="UnauthorizedOperation")]

    rig.workers["enrolment"].tick()

    assert len(backend.calls("/launch-spec")) == 1


def test_idle_agent_makes_fewer_than_thirty_ec2_calls_an_hour(rig, ec2):
    price_reports, inventories = 12, 1
    for _ in range(price_reports):
        rig.workers["prices"].tick()
    for _ in range(inventories):
        rig.workers["inventory"].tick()
        rig.workers["enrolment"].tick()
    for _ in range(240):
        rig.sync()

    assert sum(ec2.calls.values()) + price_reports < 30  # the fake does not see the price question
