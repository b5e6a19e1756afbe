"""What many contract tests do first: sign agents on, order switches, queue commands."""

import uuid
from datetime import timedelta
from typing import Any

from backend.repositories import news
from tests.contract.serving import Tenant, World
from tests.fakes.installed_agents import InstalledAgent
from tests.fakes.light_agent import Host, LightAgent

POOL_B = "m5.large.us-east-1b"
SILENCE = timedelta(seconds=121)  # longer than AGENT_HEARTBEAT_TIMEOUT
A_MINUTE = timedelta(minutes=1)


def classic(
    world: World, instance_id: str = "i-0aaa", *, dialect: str = "agent_4_0_0", **facts: Any
) -> InstalledAgent:
    """An installed agent of alpha's, not registered yet."""
    return InstalledAgent(
        dialect=dialect,
        url=world.url,
        token=world.alpha.token,
        clock=world.clock,
        http=world.http,
        instance_id=instance_id,
        **facts,
    )


def registered(world: World, instance_id: str = "i-0aaa", **facts: Any) -> InstalledAgent:
    """An installed agent of alpha's that is its agent's primary or whatever it is found to be."""
    agent = classic(world, instance_id, **facts)
    assert agent.register()
    return agent


def native(world: World, instance_id: str = "i-0aaa", **facts: Any) -> LightAgent:
    """An agent of ours of alpha's, registered. Its connection belongs to the world."""
    agent = LightAgent(world.url, world.alpha.token, Host(instance_id=instance_id, **facts))
    world.lend(agent)
    agent.register()
    return agent


def registration(instance_id: str, **facts: Any) -> dict[str, Any]:
    """The body of a registration of protocol 4."""
    return {
        "instance_id": instance_id,
        "logical_agent_id": "web-1",
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
        **facts,
    }


def order_switch(tenant: Tenant, agent_id: str, pool_id: str | None = POOL_B, **body: Any) -> str:
    """Ask for a switch to spot and return the command's id."""
    answer = tenant.post(
        f"agents/{agent_id}/issue-switch-command",
        {"target_mode": "spot", "target_pool_id": pool_id, **body},
    )
    assert answer.status_code == 200, answer.text
    command_id: str = answer.json()["command_id"]
    return command_id


def queue(world: World, agent_id: str, **columns: Any) -> str:
    """Put a command into the queue as a later part of the product will; return its id."""
    row = {
        "id": str(uuid.uuid4()),
        "client_id": world.alpha.client_id,
        "agent_id": agent_id,
        "command_type": "switch",
        "instance_id": None,
        "target_mode": "ondemand",
        "target_pool_id": None,
        "priority": 25,
        "terminate_wait_seconds": 0,
        "created_by": "tests",
        "status": "pending",
        "expires_at": world.clock.now() + timedelta(hours=1),
        "created_at": world.clock.now(),
        **columns,
    }
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    tell_news(world, agent_id)
    world.write(f"INSERT INTO commands ({names}) VALUES ({values})", **row)
    return str(row["id"])


def tell_news(world: World, agent_id: str) -> None:
    """What every writer of the product does that changes the answer of a sync."""
    world.database.transact("tell_news", lambda tx: (news.tell_news(tx, agent_id), tx.commit()))


def delete_agent(world: World, agent_id: str) -> None:
    """Delete an agent as the route of a later part of the product will."""
    tell_news(world, agent_id)
    world.write(
        "UPDATE agents SET status = 'deleted', deleted_at = %(now)s WHERE id = %(id)s",
        id=agent_id,
        now=world.clock.now(),
    )
