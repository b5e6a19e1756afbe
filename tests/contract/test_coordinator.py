"""Manual mode over the wire: a standby comes, takes over, and the next one is ordered at once."""

from datetime import timedelta

from backend.services.coordinator import Coordinator
from backend.services.standby_upkeep import StandbyUpkeep
from tests.contract.orders import native, tell_news
from tests.contract.serving import Tenant, World
from tests.fakes.light_agent import Host, LightAgent

SILENCE = timedelta(seconds=120)


def coordinate(world: World) -> int:
    now = world.clock.now()
    upkeep = StandbyUpkeep(world.database, world.clock)
    finished = upkeep.finish_promotions(now) + upkeep.close_events(now)
    finished += upkeep.finish_endings(now)
    return finished + Coordinator(world.database).coordinate(now=now, silence=SILENCE).rows


def set_manual(world: World, agent_id: str, *, is_on: bool) -> None:
    tell_news(world, agent_id)
    world.write(
        "UPDATE agent_configs SET manual_replica_enabled = %(on)s, auto_switch_enabled = 0"
        " WHERE agent_id = %(a)s",
        on=int(is_on),
        a=agent_id,
    )


def launched(world: World, launcher: LightAgent, command: dict, instance_id: str) -> LightAgent:
    """What an agent of ours does with an order: launch, bind, acknowledge; the new one signs on."""
    replica_id = command["payload"]["replica_id"]
    answer = world.alpha.call(
        "PUT",
        f"agents/{launcher.agent_id}/replicas/{replica_id}",
        {"instance_id": instance_id, "status": "syncing"},
        instance=launcher.host.instance_id,
    )
    assert answer.status_code == 200, answer.text
    answer = world.alpha.post(
        f"agents/{launcher.agent_id}/commands/{command['id']}/executed",
        {"success": True, "message": "launched"},
        instance=launcher.host.instance_id,
    )
    assert answer.status_code == 200, answer.text
    tags = {"LogicalAgentId": "web-1", "ReplicaId": replica_id}
    agent = LightAgent(
        world.url,
        world.alpha.token,
        Host(instance_id=instance_id, az="us-east-1b", launch_tags=tags),
    )
    world.lend(agent)
    agent.register()
    return agent


def say_ready(world: World, replica: LightAgent, replica_id: str) -> None:
    answer = world.alpha.post(
        f"agents/{replica.agent_id}/replicas/{replica_id}/status",
        {"status": "ready"},
        instance=replica.host.instance_id,
    )
    assert answer.status_code == 200, answer.text


def live(world: World, agent_id: str) -> list[str]:
    rows = world.rows(
        "SELECT status FROM replica_instances WHERE live_slot = %(a)s ORDER BY created_at",
        a=agent_id,
    )
    return [row["status"] for row in rows]


def test_standby_comes_takes_over_and_the_next_one_is_ordered_exactly_once(
    world: World, alpha: Tenant
):
    primary = native(world, "i-one")
    set_manual(world, primary.agent_id, is_on=True)
    assert [coordinate(world) for _ in range(3)] == [1, 0, 0]
    (command,) = primary.sync()
    standby = launched(world, primary, command, "i-two")
    replica_id = command["payload"]["replica_id"]
    assert standby.role == "replica"
    say_ready(world, standby, replica_id)
    assert coordinate(world) == 0
    assert live(world, primary.agent_id) == ["ready"]

    answer = alpha.post(f"agents/{primary.agent_id}/replicas/{replica_id}/promote", {})
    assert answer.status_code == 200, answer.text

    standby.sync()
    assert [coordinate(world) for _ in range(3)] == [1, 0, 0]
    assert live(world, primary.agent_id) == ["launching"]
    kinds = [c["command_type"] for c in standby.journal.values()]
    kinds += [c["command_type"] for _ in range(3) for c in standby.sync()]
    assert kinds.count("create_replica") == 1


def test_standby_is_really_retired_when_the_mode_is_off_even_without_auto_terminate(
    world: World, alpha: Tenant
):
    primary = native(world, "i-one")
    set_manual(world, primary.agent_id, is_on=True)
    coordinate(world)
    (command,) = primary.sync()
    standby = launched(world, primary, command, "i-two")
    say_ready(world, standby, command["payload"]["replica_id"])
    set_manual(world, primary.agent_id, is_on=False)
    world.write("UPDATE agent_configs SET auto_terminate_enabled = 0")

    assert coordinate(world) == 1

    (order,) = primary.sync()
    assert order["command_type"] == "retire_instance"
    verdict = alpha.get(
        f"agents/{primary.agent_id}/instances/i-two/retirement", instance="i-one"
    ).json()
    assert (verdict["may_retire"], verdict["role"]) == (True, "superseded")
    standby.sync()
    assert standby.role == "superseded"
    ended = alpha.post(
        f"agents/{primary.agent_id}/instances/i-two/terminated",
        {"terminated_at": world.clock.now().isoformat()},
        instance="i-one",
    )
    assert ended.status_code == 200, ended.text
    coordinate(world)
    rows = world.rows("SELECT status FROM replica_instances")
    assert [row["status"] for row in rows] == ["terminated"]
