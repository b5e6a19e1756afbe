"""One small world for all calls that are made from the description."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backend.services.callers import Role
from tests.api.people import Door as People
from tests.contract.dashboards import Story, make_story
from tests.contract.serving import Door, World
from tests.database import empty_tables
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module")
def story(database_server, _shared_database) -> Iterator[Story]:
    """An agent that was moved once, and a token, a key and an order of its client."""
    with Door().open() as door:
        world = World(door, _shared_database, FakeClock())
        told = make_story(world)
        world.clock.advance(timedelta(minutes=1))
        yield told
        world.close()
    empty_tables(database_server.address)


@pytest.fixture(scope="module")
def admin(story: Story) -> dict[str, str]:
    """Headers of an admin's API key."""
    return People(story.world.container).operator_headers(Role.ADMIN)
