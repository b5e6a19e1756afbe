"""A served backend for every contract test."""

from collections.abc import Iterator

import pytest

from tests.contract.serving import Door, Tenant, World


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """The listening server."""
    with Door().open() as opened:
        yield opened


@pytest.fixture
def world(door: Door, database, clock) -> Iterator[World]:
    """A backend of this test's own, with the tenants alpha and beta."""
    served = World(door, database, clock)
    yield served
    served.close()


@pytest.fixture
def alpha(world: World) -> Tenant:
    """The tenant that most tests speak for."""
    return world.alpha


@pytest.fixture
def beta(world: World) -> Tenant:
    """Another tenant, who must see and change nothing of alpha's."""
    return world.beta
