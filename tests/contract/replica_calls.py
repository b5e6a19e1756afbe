"""What the tests of replicas ask of the backend, and the agents that they start from."""

from collections.abc import Mapping
from typing import Any

import requests

from backend.services.price_quality import PriceQuality
from tests.contract import standbys
from tests.contract.orders import native
from tests.contract.serving import Tenant, World
from tests.fakes.light_agent import LightAgent

POOL_A = "m5.large.us-east-1a"
POOL_B = "m5.large.us-east-1b"
POOL_C = "m5.large.us-east-1c"
PRICES = {"us-east-1a": 0.030, "us-east-1b": 0.032, "us-east-1c": 0.035}


def ready_for_replicas(world: World, agent: LightAgent) -> LightAgent:
    agent.report_prices(PRICES, at=world.clock.now(), on_demand=0.096)
    PriceQuality(world.database).unfold_reports()
    allow_manual(world, agent.agent_id)
    return agent


def allow_manual(world: World, agent_id: str) -> None:
    world.write(
        "UPDATE agent_configs SET manual_replica_enabled = 1, auto_switch_enabled = 0"
        " WHERE agent_id = %(a)s",
        a=agent_id,
    )


def create(tenant: Tenant, agent_id: str | None, **body: Any) -> requests.Response:
    return tenant.post(f"agents/{agent_id}/replicas", body)


def created(tenant: Tenant, agent_id: str | None, **body: Any) -> str:
    answer = create(tenant, agent_id, **body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["replica_id"])


def listed(tenant: Tenant, agent_id: str | None, query: str = "") -> list[dict[str, Any]]:
    answer = tenant.get(f"agents/{agent_id}/replicas{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["total"] == len(body["replicas"])
    return list(body["replicas"])


def put(
    tenant: Tenant,
    agent_id: str | None,
    replica_id: str,
    instance_id: str,
    *,
    sender: str | None = None,
    **body: Any,
) -> requests.Response:
    return tenant.call(
        "PUT",
        f"agents/{agent_id}/replicas/{replica_id}",
        {"instance_id": instance_id, "status": "syncing", **body},
        instance=sender,
    )


def say(
    tenant: Tenant,
    agent_id: str | None,
    replica_id: str,
    status: str,
    *,
    sender: str | None = None,
    **body: Any,
) -> requests.Response:
    path = f"agents/{agent_id}/replicas/{replica_id}/status"
    return tenant.post(path, {"status": status, **body}, instance=sender)


def boot(world: World, replica_id: str, instance_id: str = "i-0rep", **facts: Any) -> LightAgent:
    """The agent of a launched replica registers."""
    tags = {"ReplicaId": replica_id, "ClientId": world.alpha.client_id}
    return native(world, instance_id, az="us-east-1b", launch_tags=tags, **facts)


def running(world: World, agent: LightAgent, instance_id: str = "i-0rep") -> str:
    """A replica that was ordered, launched, and whose agent says that it is ready."""
    replica_id = created(world.alpha, agent.agent_id)
    assert put(world.alpha, agent.agent_id, replica_id, instance_id, sender="i-0aaa").ok
    boot(world, replica_id, instance_id)
    assert say(world.alpha, agent.agent_id, replica_id, "ready", sender=instance_id).ok
    return replica_id


def status_of(world: World, replica_id: str) -> str:
    return str(standbys.replica(world, replica_id)["status"])


def delete(tenant: Tenant, agent_id: str | None, replica_id: str) -> requests.Response:
    return tenant.call("DELETE", f"agents/{agent_id}/replicas/{replica_id}")


def promote(tenant: Tenant, agent_id: str | None, replica_id: str) -> requests.Response:
    return tenant.post(f"agents/{agent_id}/replicas/{replica_id}/promote", {})


def events(world: World, event_type: str) -> list[Mapping[str, Any]]:
    return world.rows("SELECT * FROM system_events WHERE event_type = %(t)s", t=event_type)
