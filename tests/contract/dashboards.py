"""A small fleet with a past, and the two kinds of people who look at it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests

from backend.services.callers import Role
from backend.services.price_quality import PriceQuality
from tests.api.people import Door as People
from tests.contract.orders import POOL_B, order_switch, registered
from tests.contract.serving import TIMEOUT_SECONDS, World
from tests.fakes.installed_agents import InstalledAgent

POOL_A = "m5.large.us-east-1a"
HOUR = timedelta(hours=1)


@dataclass
class Story:
    """One agent of alpha's that was moved once, from i-0aaa to i-0bbb."""

    world: World
    agent: InstalledAgent
    command_id: str
    viewer: dict[str, str] = field(repr=False)

    @property
    def agent_id(self) -> str:
        assert self.agent.agent_id is not None
        return self.agent.agent_id

    def operator(
        self, path: str, *, method: str = "GET", body: Any = None, **options: Any
    ) -> requests.Response:
        """Call as an operator who may only look, unless other headers are given."""
        return self.world.http.request(
            method,
            f"{self.world.url}/api/{path}",
            json=body,
            headers=options.pop("headers", self.viewer),
            timeout=TIMEOUT_SECONDS,
            **options,
        )

    def read(self, path: str, **options: Any) -> Any:
        """Return what an operator reads."""
        answer = self.operator(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


def operator_headers(world: World, role: Role = Role.VIEWER) -> dict[str, str]:
    """The headers of a new operator's API key."""
    return People(world.container).operator_headers(role)


def report_prices(world: World, agent_id: str, prices: dict[str, float], **pricing: Any) -> None:
    """Let alpha's agent tell prices, and everything that follows from them happen."""
    answer = world.alpha.post(
        f"agents/{agent_id}/pricing-report",
        {
            "instance": {
                "instance_id": "i-0aaa",
                "instance_type": "m5.large",
                "region": "us-east-1",
                "az": "us-east-1a",
                "mode": "spot",
            },
            "pricing": {
                "on_demand_price": 0.1,
                "spot_pools": [{"pool_id": n, "price": p} for n, p in prices.items()],
                **pricing,
            },
        },
    )
    assert answer.status_code == 200, answer.text
    world.clock.advance(timedelta(minutes=1))
    PriceQuality(world.database).deduplicate(now=world.clock.now())


def make_story(world: World) -> Story:
    """Sign an agent on, report prices, and move it; then it is an hour later."""
    agent = registered(world)
    assert agent.agent_id is not None
    report_prices(world, agent.agent_id, {POOL_A: 0.04, POOL_B: 0.03}, current_spot_price=0.04)
    command_id = order_switch(world.alpha, agent.agent_id)
    command = agent.poll()
    assert command is not None
    successor = agent.successor("i-0bbb", "us-east-1b")
    agent.execute(command, successor)
    assert successor.register()
    world.clock.advance(HOUR)
    assert successor.beat()
    return Story(world, successor, command_id, operator_headers(world))


def is_number(value: Any) -> bool:
    """Whether a dashboard may format it."""
    return isinstance(value, int | float) and not isinstance(value, bool)
