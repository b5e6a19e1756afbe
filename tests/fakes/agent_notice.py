"""A noticed host in one thread: metadata with a notice, a slow or dead backend, seconds passing."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from agent.backend_client.transport import Transport
from agent.errors import TransientBackendError
from tests.fakes.agent_imds import FakeImds
from tests.fakes.agent_rig import Rig
from tests.fakes.clock import FakeClock

TERMINATION = "meta-data/spot/instance-action"
REBALANCE = "meta-data/events/recommendations/rebalance"


def give_notice(imds: FakeImds, clock: FakeClock, *, seconds: float = 120.0) -> str:
    """Let metadata say that EC2 takes the host in so many seconds; returns when."""
    time = (clock.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    imds.items[TERMINATION] = json.dumps({"action": "terminate", "time": time})
    return time


def pass_seconds(agent: Rig, seconds: float, each: Callable[[], Any] = lambda: None) -> None:
    """Let the interruption and the action thread live through so many seconds."""
    clock = agent.clock
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        before = clock.monotonic()
        agent.workers["interruption"].attempt()
        agent.act(patience=1.0)
        each()
        clock.advance(timedelta(seconds=max(0.0, before + 1.0 - clock.monotonic())))


def slow_transport(clock: FakeClock, delay: float | None) -> type[Transport]:
    """A backend that serves a notice, but answers only so many seconds later; None: never."""

    class SlowTransport(Transport):
        def request(
            self, method: str, path: str, body: object = None, *, read_seconds: float = 10.0
        ) -> Any:
            if not path.endswith("/interruption"):
                return super().request(method, path, body, read_seconds=read_seconds)
            answer = None if delay is None else super().request(method, path, body)
            wait = read_seconds if delay is None else min(delay, read_seconds)
            clock.advance(timedelta(seconds=wait))
            if delay is None or delay > read_seconds:
                raise TransientBackendError("no answer (ReadTimeout)")
            return answer

    return SlowTransport
