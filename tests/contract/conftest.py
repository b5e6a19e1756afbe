"""A served backend for every contract test."""

from collections.abc import Iterator

import pytest

from tests.contract.orders import native, registered
from tests.contract.replica_calls import allow_manual, ready_for_replicas
from tests.contract.serving import Door, Tenant, World
from tests.fakes.installed_agents import InstalledAgent
from tests.fakes.light_agent import LightAgent


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """The listening server."""
    with Door().open() as opened:
        yield opened


@pytest.fixture
def world(door: Door, database, clock) -> Iterator[World]:
    """A backend of this test's own, with the tenants alpha and beta.

    Every answer that it gives has to be as the API's description says.
    """
    served = World(door, database, clock)
    yield served
    served.close()
    assert served.conformity.faults == []


@pytest.fixture
def alpha(world: World) -> Tenant:
    """The tenant that most tests speak for."""
    return world.alpha


@pytest.fixture
def beta(world: World) -> Tenant:
    """Another tenant, who must see and change nothing of alpha's."""
    return world.beta


@pytest.fixture
def ours(world: World) -> LightAgent:
    """A primary of ours, with known prices and manual replicas allowed."""
    return ready_for_replicas(world, native(world, "i-0aaa"))


@pytest.fixture
def installed(world: World, ours: LightAgent) -> InstalledAgent:
    """A primary that runs the installed agent 4.0.0; prices are known from another one."""
    agent = registered(world, "i-0ccc", logical_agent_id="web-2")
    assert agent.agent_id is not None
    allow_manual(world, agent.agent_id)
    return agent
