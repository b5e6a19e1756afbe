"""A primary falls silent without a notice: from the silence to the new primary, over the wire."""

from datetime import timedelta
from typing import Any

import pytest

from backend.services.losses import LossDetection
from tests.contract import standbys
from tests.contract.serving import Tenant, World
from tests.fakes.light_agent import Host, LightAgent

STEP = timedelta(seconds=15)
USER_DATA = "IyEvYmluL2Jhc2g=" * 1000  # as long as EC2 allows
SPEC = {"ami_id": "ami-0a1", "instance_type": "m5.large", "user_data": USER_DATA}


def agent_of(world: World, instance_id: str, name: str, **facts: Any) -> LightAgent:
    agent = LightAgent(world.url, world.alpha.token, Host(instance_id=instance_id, **facts), name)
    world.lend(agent)
    agent.register()
    return agent


def put_spec(world: World, agent: LightAgent) -> None:
    answer = world.alpha.call(
        "PUT",
        f"agents/{agent.agent_id}/launch-spec",
        {"spec": SPEC},
        instance=agent.host.instance_id,
    )
    assert answer.status_code == 200, answer.text


def watch(world: World, *alive: LightAgent, seconds: int) -> list[dict[str, Any]]:
    """Let time pass while some agents sync and the watcher runs; return fresh commands."""
    commands = []
    detection = LossDetection(world.database, world.container.settings)
    for _ in range(seconds // 15):
        world.clock.advance(STEP)
        for agent in alive:
            commands += agent.sync()
        detection.detect(now=world.clock.now())
    for agent in alive:
        commands += agent.sync()
    return commands


def tell(world: World, finder: LightAgent, command: dict[str, Any], state: str) -> Any:
    payload = command["payload"]
    agent_id = payload.get("agent_id") or finder.agent_id
    return world.alpha.post(
        f"agents/{agent_id}/interruptions/{payload['event_id']}/findings",
        {
            "instance_id": payload["instance_id"],
            "state": state,
            "checked_at": world.clock.now().isoformat(),
        },
        instance=finder.host.instance_id,
    )


@pytest.fixture
def lost(world: World) -> LightAgent:
    agent = agent_of(world, "i-lost", "web-lost")
    put_spec(world, agent)
    return agent


@pytest.fixture
def rescuer(world: World) -> LightAgent:
    return agent_of(world, "i-rescuer", "web-rescuer")


def test_rescuer_looks_launches_and_the_replacement_becomes_primary(
    world: World, alpha: Tenant, lost: LightAgent, rescuer: LightAgent
):
    watch(world, lost, rescuer, seconds=300)
    (command,) = watch(world, rescuer, seconds=150)

    assert command["command_type"] == "rescue"
    assert command["payload"]["agent_id"] == lost.agent_id
    assert command["payload"]["launch_spec"] == SPEC
    stored = world.command(command["id"])["payload"]
    assert USER_DATA[:100] not in stored, "user data is encrypted in the books"

    answer = tell(world, rescuer, command, "terminated").json()
    plan = answer["plan"]
    assert plan["action"] == "launch"
    replica_id = plan["order"]["replica_id"]
    repeated = tell(world, rescuer, command, "terminated").json()["plan"]
    assert repeated["order"]["replica_id"] == replica_id, "one replacement, however often told"

    successor = agent_of(
        world,
        "i-new",
        "web-lost",
        az="us-east-1b",
        launch_tags={"LogicalAgentId": "web-lost", "ReplicaId": replica_id},
    )
    assert (successor.role, successor.epoch) == ("primary", 2)
    assert world.agent(lost.agent_id)["primary_instance_id"] == "i-new"
    event = world.row("SELECT status, finding FROM spot_interruption_events")
    assert event == {"status": "failed_over", "finding": "terminated"}


def test_replica_looks_and_takes_over(world: World, lost: LightAgent):
    watch(world, lost, seconds=300)
    standbys.standby(world, lost.agent_id)
    standby = LightAgent(
        world.url, world.alpha.token, Host(instance_id="i-standby", az="us-east-1b"), "web-lost"
    )
    world.lend(standby)
    standby.register()
    assert standby.role == "replica"

    (command,) = watch(world, standby, seconds=150)
    assert command["command_type"] == "verify_primary"
    answer = tell(world, standby, command, "missing").json()

    assert answer["status"] == "failed_over"
    assert world.agent(lost.agent_id)["primary_instance_id"] == "i-standby"
    assert world.agent(lost.agent_id)["epoch"] == 2


def test_silent_agent_on_a_running_instance_is_an_alert_not_a_failover(
    world: World, lost: LightAgent, rescuer: LightAgent
):
    watch(world, lost, rescuer, seconds=300)
    (command,) = watch(world, rescuer, seconds=150)

    answer = tell(world, rescuer, command, "running").json()

    assert answer["status"] == "stood_down"
    assert (answer["plan"]["action"], answer["plan"]["reason"]) == ("monitor", "instance_runs")
    assert world.agent(lost.agent_id)["primary_instance_id"] == "i-lost"
    kinds = {row["notification_type"] for row in world.rows("SELECT * FROM notifications")}
    assert "agent_silent" in kinds


def test_only_who_was_asked_may_tell(world: World, lost: LightAgent, rescuer: LightAgent):
    stranger = agent_of(world, "i-stranger", "web-stranger", region="eu-west-1", az="eu-west-1a")
    watch(world, lost, rescuer, stranger, seconds=300)
    (command,) = watch(world, rescuer, stranger, seconds=150)

    assert tell(world, stranger, command, "terminated").status_code == 409
    assert world.agent(lost.agent_id)["epoch"] == 1
