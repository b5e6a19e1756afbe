"""What the tests of the emergency fallback do first: an agent with a standby in some state."""

import uuid
from datetime import timedelta
from typing import Any

from backend.domain.replica_orders import ReplicaOrder, ServingReplica
from backend.repositories import replica_orders
from tests.contract.orders import tell_news
from tests.contract.serving import World
from tests.fakes.light_agent import LightAgent

POOLS = ("m5.large.us-east-1b", "m5.large.us-east-1c")
IN_TWO_MINUTES = timedelta(minutes=2)


def order(executor: str | None = "i-old", **changes: Any) -> ReplicaOrder:
    """An order for a standby, as the coordinator would give it."""
    fields: dict[str, Any] = {
        "replica_id": str(uuid.uuid4()),
        "command_id": str(uuid.uuid4()),
        "kind": "automatic-rebalance",
        "promotes": False,
        "event_id": None,
        "instance_type": "m5.large",
        "region": "us-east-1",
        "pools": POOLS,
        "allows_ondemand": True,
        "protocol": 5,
        "executor_instance_id": executor,
        "priority": 50,
        "created_by": "system",
    }
    return ReplicaOrder(**fields | changes)


def request(world: World, agent_id: str, wanted: ReplicaOrder) -> ServingReplica | None:
    """Hand an order to the database."""
    return world.database.run(
        "request_replica",
        lambda s: replica_orders.request_replica(
            s, world.alpha.client_id, agent_id, wanted, now=world.clock.now()
        ),
    )


def standby(
    world: World,
    agent_id: str,
    instance_id: str | None = "i-standby",
    status: str = "ready",
    *,
    is_running: bool = True,
    **columns: Any,
) -> str:
    """A replica in a state of the test's choice, heard just now if it is running; its id."""
    serving = request(world, agent_id, order())
    assert serving is not None
    set_replica(
        world,
        serving.replica_id,
        status=status,
        instance_id=instance_id,
        az="us-east-1b",
        pool_name="m5.large.us-east-1b",
        **columns,
    )
    if instance_id is not None and is_running:
        put_instance(world, agent_id, instance_id, "replica")
    return serving.replica_id


def set_replica(world: World, replica_id: str, **columns: Any) -> None:
    """Write columns of a replica."""
    changes = ", ".join(f"{name} = %({name})s" for name in columns)
    world.write(
        f"UPDATE replica_instances SET {changes} WHERE id = %(id)s", id=replica_id, **columns
    )


def put_instance(world: World, agent_id: str, instance_id: str, role: str) -> None:
    """An instance of ours, heard just now."""
    tell_news(world, agent_id)
    world.write(
        "INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, protocol,"
        " is_steady, mode, instance_type, region, az, first_seen_at, last_seen_at,"
        " role_changed_at) VALUES (%(a)s, %(i)s, %(c)s, %(r)s, 'tests', 5, 1, 'spot', 'm5.large',"
        " 'us-east-1', 'us-east-1b', %(now)s, %(now)s, %(now)s)",
        a=agent_id,
        i=instance_id,
        c=world.alpha.client_id,
        r=role,
        now=world.clock.now(),
    )


def replica(world: World, replica_id: str) -> dict[str, Any]:
    """A replica's row."""
    return world.row("SELECT * FROM replica_instances WHERE id = %(id)s", id=replica_id)


def commands(world: World, agent_id: str) -> list[tuple[str, str, str]]:
    """Type, instance and status of the agent's commands, by type."""
    rows = world.rows(
        "SELECT command_type, instance_id, status FROM commands WHERE agent_id = %(a)s"
        " ORDER BY command_type, created_at, id",
        a=agent_id,
    )
    return [(row["command_type"], row["instance_id"], row["status"]) for row in rows]


def notice(
    agent: LightAgent,
    world: World,
    signal: str = "termination-notice",
    **changes: Any,
) -> dict[str, Any]:
    """The body of a signal from an agent of ours."""
    now = world.clock.now()
    at = now + IN_TWO_MINUTES if signal == "termination-notice" else now
    return {
        "instance_id": agent.host.instance_id,
        "signal": signal,
        "notice_time": at.isoformat(),
        "action": "terminate",
        "detected_at": now.isoformat(),
        "is_drill": False,
        **changes,
    }
