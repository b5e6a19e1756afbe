"""The far sides of an agent, and an agent between them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.agent_backend import FakeBackend
from tests.fakes.agent_ec2 import FakeEc2
from tests.fakes.agent_imds import FakeImds
from tests.fakes.agent_rig import Rig


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    """A backend that knows nobody yet."""
    fake = FakeBackend()
    yield fake
    fake.server.close()


@pytest.fixture
def old_backend() -> Iterator[FakeBackend]:
    """A backend without roles, sync and progress."""
    fake = FakeBackend(is_classic=True)
    yield fake
    fake.server.close()


@pytest.fixture
def ec2() -> FakeEc2:
    """EC2 with the host that the agent runs on."""
    return FakeEc2()


@pytest.fixture
def imds() -> Iterator[FakeImds]:
    """The metadata service of that host."""
    fake = FakeImds()
    yield fake
    fake.close()


@pytest.fixture
def make_rig(tmp_path, backend, ec2, clock) -> Callable[..., Rig]:
    """Start an agent; again for the same folder is a restart of it."""

    def make(**over: Any) -> Rig:
        far_side = over.pop("backend", backend)
        folder = tmp_path / over.pop("disk", "disk")
        return Rig(folder, far_side, ec2, clock=clock, **over)

    return make


@pytest.fixture
def rig(make_rig) -> Rig:
    """A registered agent that is its agent's primary."""
    agent = make_rig()
    agent.sync()
    return agent
