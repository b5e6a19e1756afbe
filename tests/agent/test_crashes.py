"""kill -9 at every write and every call: never a second launch, always an end."""

from collections.abc import Callable, Iterator

from tests.fakes.agent_backend import FakeBackend
from tests.fakes.agent_crash import Saboteur, SimulatedCrash
from tests.fakes.agent_ec2 import FakeEc2
from tests.fakes.agent_rig import Rig, make_identity
from tests.fakes.clock import FakeClock

POOLS = ["m5.large.us-east-1b", "m5.large.us-east-1c"]
MOST_MOMENTS = 200


class World:
    """A backend, an EC2 and a disk that outlive the agent's crashes."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.backend = FakeBackend()
        self.ec2 = FakeEc2()
        self.clock = FakeClock()

    def start(self, saboteur: Saboteur, **over) -> Rig:
        return Rig(
            self.folder,
            self.backend,
            saboteur.ec2(self.ec2),
            clock=self.clock,
            documents=saboteur.documents(),
            transport=saboteur.transport(),
            **over,
        )


def _run_killed_at(world: World, moment: int, order: Callable[[World], None], **over) -> str | None:
    """Run until killed at that moment, then start again; returns where it died, None if it lived."""
    first = world.start(Saboteur(), **over)
    first.sync()
    order(world)
    saboteur = Saboteur(moment)
    try:
        agent = world.start(saboteur, **over)
        agent.live()
    except SimulatedCrash:
        again = world.start(Saboteur(), **over)
        again.live()
        again.live()
        return saboteur.where
    return None


def _moments(folder, order, **over) -> Iterator[tuple[World, str]]:
    for moment in range(1, MOST_MOMENTS):
        world = World(folder / f"world-{moment}")
        try:
            where = _run_killed_at(world, moment, order, **over)
            if where is None:
                return
            yield world, where
        finally:
            world.backend.server.close()
    raise AssertionError("the run never ends")


def test_switch_ends_once_and_well_wherever_the_agent_was_killed(tmp_path):
    def order(world: World) -> None:
        world.ec2.lag = 2  # EC2 hides what it launched
        world.ec2.full = {POOLS[0]}
        world.backend.order_switch("c-1", POOLS)

    deaths = 0
    for world, where in _moments(tmp_path, order):
        deaths += 1
        assert len(world.ec2.launches) == 1, where
        assert world.backend.commands["c-1"].status == "completed", where
        assert world.backend.primary == "i-new-1", where
        assert world.ec2.alive() == ["i-old", "i-new-1"], where

    assert deaths > 50


def test_switch_that_fails_leaves_nothing_running_wherever_the_agent_was_killed(tmp_path):
    def order(world: World) -> None:
        world.ec2.status_is_ok = False
        world.backend.order_switch("c-1", POOLS)

    soon = {"READINESS_TIMEOUT": "10"}
    for world, where in _moments(tmp_path, order, environ=soon):
        assert len(world.ec2.launches) == 1, where
        assert world.backend.commands["c-1"].status == "failed", where
        assert world.ec2.alive() == ["i-old"], where
        assert world.backend.primary == "i-old", where


def test_switch_without_capacity_fails_wherever_the_agent_was_killed(tmp_path):
    def order(world: World) -> None:
        world.ec2.full = set(POOLS)
        world.backend.order_switch("c-1", POOLS)

    for world, where in _moments(tmp_path, order):
        assert world.ec2.launches == [], where
        assert world.backend.commands["c-1"].status == "failed", where


def test_retirement_ends_the_old_host_once_wherever_the_agent_was_killed(tmp_path):
    def order(world: World) -> None:
        tags = {"ManagedBy": "SpotOptimizer", "ClientId": "client-1", "LogicalAgentId": "web-1"}
        world.ec2.add("i-gone", az="us-east-1a", tags=tags)
        world.backend.roles["i-gone"] = "superseded"
        world.backend.order("c-2", "retire_instance", "i-new", {"instance_id": "i-gone"})

    for world, where in _moments(tmp_path, order, identity=make_identity("i-new")):
        assert world.backend.commands["c-2"].status == "completed", where
        assert world.backend.terminated == ["i-gone"] * len(world.backend.terminated), where
        assert world.backend.terminated, where
        assert world.ec2.alive() == ["i-old"], where
