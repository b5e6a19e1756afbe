"""kill -9 around every write, request and launch of the fallback: one replacement, always an end."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest

from agent.imds import Imds
from tests.fakes.agent_backend import FakeBackend
from tests.fakes.agent_crash import Saboteur, SimulatedCrash
from tests.fakes.agent_ec2 import FakeEc2
from tests.fakes.agent_http import Answer
from tests.fakes.agent_imds import FakeImds
from tests.fakes.agent_notice import give_notice, pass_seconds
from tests.fakes.agent_rig import Rig
from tests.fakes.clock import FakeClock

MOST_MOMENTS = 200
ORDER = {
    "replica_id": "r-1",
    "kind": "manual",
    "pools": ["m5.large.us-east-1b", "m5.large.us-east-1c"],
    "allow_ondemand": False,
}


class World:
    """A backend, an EC2, metadata and a disk that outlive the agent's crashes."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.backend = FakeBackend()
        self.ec2 = FakeEc2()
        self.imds = FakeImds()
        self.clock = FakeClock()
        self.ec2.lag = 2  # EC2 hides what it launched

    def start(self, saboteur: Saboteur) -> Rig:
        return Rig(
            self.folder,
            self.backend,
            saboteur.ec2(self.ec2),
            clock=self.clock,
            documents=saboteur.documents(),
            transport=saboteur.transport(),
            imds=Imds(self.imds.url, self.clock),
        )

    def close(self) -> None:
        self.backend.server.close()
        self.imds.close()


def _live(agent: Rig, seconds: float) -> None:
    agent.sync()
    pass_seconds(agent, seconds)


def _moments(
    folder,
    begin: Callable[[World], None],
    seconds: float,
    after_death: Callable[[World], None] = lambda world: None,
) -> Iterator[tuple[World, str]]:
    for moment in range(1, MOST_MOMENTS):
        world = World(folder / f"world-{moment}")
        try:
            world.start(Saboteur()).sync()
            begin(world)
            saboteur = Saboteur(moment)
            with contextlib.suppress(SimulatedCrash):
                _live(world.start(saboteur), seconds)
            if not saboteur.where:
                return
            after_death(world)
            _live(world.start(Saboteur()), seconds)
            yield world, saboteur.where
        finally:
            world.close()
    raise AssertionError("the run never ends")


def test_notice_ends_in_one_replacement_wherever_the_agent_was_killed(tmp_path):
    def begin(world: World) -> None:
        world.ec2.full = {ORDER["pools"][0]}
        give_notice(world.imds, world.clock)

    deaths = 0
    for world, where in _moments(tmp_path, begin, 30):
        deaths += 1
        assert len(world.ec2.launches) == 1, where
        assert world.backend.fallback.bound == {"r-e-1": "i-new-1"}, where
        assert world.backend.primary == "i-new-1", where
        assert world.ec2.alive() == ["i-old", "i-new-1"], where

    assert deaths > 20


def test_order_that_a_notice_repeats_is_launched_once_wherever_the_agent_was_killed(tmp_path):
    def begin(world: World) -> None:
        order = {**ORDER, "replica_id": "r-e-1", "kind": "automatic-termination"}
        world.backend.order("c-1", "create_replica", "i-old", order)

    def take_host(world: World) -> None:
        give_notice(world.imds, world.clock)

    for world, where in _moments(tmp_path, begin, 30, take_host):
        assert len(world.ec2.launches) == 1, where
        assert world.backend.fallback.bound == {"r-e-1": "i-new-1"}, where
        assert world.backend.primary == "i-new-1", where


@pytest.mark.parametrize("answers_later", [True, False])
def test_notice_without_answer_ends_in_one_launch_wherever_the_agent_was_killed(
    tmp_path, answers_later
):
    def begin(world: World) -> None:
        times = 8 if answers_later else 10**6
        world.backend.break_on("/interruption", Answer(0), times=times)
        give_notice(world.imds, world.clock)

    # Unanswered, every second is the same moment again: the first sixty tell everything.
    for world, where in itertools.islice(_moments(tmp_path, begin, 40), 60):
        assert len(world.ec2.launches) == 1, where
        assert (world.backend.primary == "i-new-1") is answers_later, where


def test_ordered_replica_is_launched_once_and_bound_wherever_the_agent_was_killed(tmp_path):
    def begin(world: World) -> None:
        world.ec2.full = {ORDER["pools"][0]}
        world.backend.order("c-1", "create_replica", "i-old", ORDER)

    for world, where in _moments(tmp_path, begin, 20):
        assert len(world.ec2.launches) == 1, where
        assert world.backend.fallback.bound == {"r-1": "i-new-1"}, where
        assert world.backend.commands["c-1"].status == "completed", where
        assert world.ec2.alive() == ["i-old", "i-new-1"], where


def test_replica_that_is_not_wanted_any_more_is_ended_wherever_the_agent_was_killed(tmp_path):
    def begin(world: World) -> None:
        world.backend.fallback.refuses_to_bind = True
        world.backend.order("c-1", "create_replica", "i-old", ORDER)

    for world, where in _moments(tmp_path, begin, 20):
        assert len(world.ec2.launches) == 1, where
        assert world.ec2.alive() == ["i-old"], where
        assert world.backend.commands["c-1"].status == "failed", where
