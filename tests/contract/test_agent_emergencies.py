"""The agent itself against the backend itself: notices, replicas and take-overs over the wire."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.backend_client.transport import Transport
from agent.imds import Imds
from agent.secret import Secret
from backend.services.price_quality import PriceQuality
from tests.contract.replica_calls import allow_manual, created
from tests.contract.serving import Door, World
from tests.fakes.agent_ec2 import FakeEc2
from tests.fakes.agent_imds import FakeImds
from tests.fakes.agent_notice import give_notice, pass_seconds
from tests.fakes.agent_rig import Rig, make_identity

ADDRESS = {"CUTOVER_ELASTIC_IP_ALLOCATION_ID": "eipalloc-1"}


@pytest.fixture
def imds() -> Iterator[FakeImds]:
    """The metadata service of the host that is noticed."""
    fake = FakeImds()
    yield fake
    fake.close()


@pytest.fixture
def ec2() -> FakeEc2:
    """EC2 with the first host."""
    return FakeEc2()


@pytest.fixture
def start(
    world: World, door: Door, ec2: FakeEc2, imds: FakeImds, tmp_path: Path
) -> Callable[..., Rig]:
    """Start an agent on an instance, with the tags that its launch gave it."""
    token = Secret(world.alpha.token)

    class Wire(Transport):
        def __init__(self, url: str, _: Secret, instance_id: str) -> None:
            super().__init__(url, token, instance_id)

    def start(instance_id: str = "i-old", **over: Any) -> Rig:
        raw = ec2.instances[instance_id]
        tags = {pair["Key"]: pair["Value"] for pair in raw["Tags"]}
        mode = raw.get("InstanceLifecycle", "ondemand")
        az = raw["Placement"]["AvailabilityZone"]
        agent = Rig(
            tmp_path / instance_id,
            SimpleNamespace(server=SimpleNamespace(url=door.url)),  # type: ignore[arg-type]
            ec2,
            identity=make_identity(instance_id, az=az, tags=tags, mode=mode),
            clock=world.clock,
            transport=Wire,
            environ=ADDRESS,
            imds=over.pop("imds", Imds(imds.url, world.clock)),
        )
        agent.sync()
        return agent

    return start


def _quiet(world: World) -> Imds:
    return Imds("http://127.0.0.1:9", world.clock)


def test_noticed_primary_is_replaced_by_the_one_that_it_launches(world, start, ec2, imds):
    old = start()
    give_notice(imds, world.clock)
    pass_seconds(old, 4)

    new = start("i-new-1", imds=_quiet(world))
    pass_seconds(old, 3)
    new.live()

    assert len(ec2.launches) == 1
    assert new.state.current.is_acting_primary
    assert old.state.current.is_retired
    assert ec2.address_holder == "i-new-1"
    event = world.row("SELECT * FROM spot_interruption_events")
    assert (event["status"], event["new_instance_id"]) == ("failed_over", "i-new-1")
    assert event["verified_at"] is not None


def test_ready_replica_of_a_noticed_primary_takes_over(world, start, ec2, imds):
    old = start()
    old.workers["prices"].tick()
    old.deliver()
    PriceQuality(world.database).unfold_reports()
    allow_manual(world, old.state.agent_id)
    created(world.alpha, old.state.agent_id)
    old.live()
    replica = start("i-new-1", imds=_quiet(world))
    replica.workers["replica"].tick()
    row = world.row("SELECT * FROM replica_instances")
    assert (row["instance_id"], row["status"]) == ("i-new-1", "ready")

    give_notice(imds, world.clock)
    pass_seconds(old, 3)
    replica.live()

    assert len(ec2.launches) == 1
    assert replica.state.current.is_acting_primary
    assert ec2.address_holder == "i-new-1"
    assert old.state.current.is_retired


def test_plan_for_the_worst_day_reaches_the_disk(start):
    agent = start()

    assert agent.plans.current is not None
    assert agent.plans.current.action == "launch"


def test_replacement_that_the_host_launched_by_itself_is_adopted(world, door, start, ec2, imds):
    old = start()
    app, door.app = door.app, lambda *_: (_ for _ in ()).throw(OSError("away"))
    give_notice(imds, world.clock)
    pass_seconds(old, 5)
    door.app = app
    assert len(ec2.launches) == 1

    pass_seconds(old, 4)
    new = start("i-new-1", imds=_quiet(world))
    pass_seconds(old, 4)
    new.sync()

    assert len(ec2.launches) == 1
    assert new.state.current.is_acting_primary
    assert old.state.current.is_retired
