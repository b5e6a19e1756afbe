"""What a process remembers of a sync is never told once it has ceased to be true.

After everything that can happen to an agent, a process that remembers its last answers must say the
same as one that remembers nothing.
"""

from datetime import timedelta
from typing import Any

import pytest

from backend.services.agent_sync import LOOK_AGAIN_SECONDS, AgentSync, Synced, Vitals
from backend.services.emergency_plans import EmergencyPlans
from backend.services.lease_sweep import LeaseSweep
from backend.services.succession import Succession
from tests.contract.orders import SILENCE, delete_agent, native, order_switch, queue, tell_news
from tests.contract.serving import World
from tests.fakes.light_agent import LightAgent


@pytest.fixture
def agent(world: World) -> LightAgent:
    """A primary whose last sync said that there is nothing to do, and is remembered."""
    found = native(world)
    assert found.sync() == []
    return found


def _synced(world: World, agent_id: str, instance_id: str, service: AgentSync) -> dict[str, Any]:
    answer: Synced = service.sync(world.alpha.client_id, agent_id, instance_id, Vitals())
    return {
        "role": answer.role,
        "epoch": answer.epoch,
        "primary": answer.primary_instance_id,
        "config": answer.config,
        "commands": [row["id"] for row in answer.commands],
    }


def _agreed(world: World, agent: LightAgent) -> dict[str, Any]:
    """The answer of the process that remembers, which must be that of one that does not."""
    services = world.container
    plans = EmergencyPlans(world.database, world.clock, is_sef_on=True)
    forgetful = AgentSync(world.database, world.clock, services.presence, plans)
    where = (world, agent.agent_id, agent.host.instance_id)
    remembered = _synced(*where, services.agent_sync)
    assert remembered == _synced(*where, forgetful)
    return remembered


def _appoint(world: World) -> int:
    return Succession(world.database).appoint_waiting(
        now=world.clock.now(), silence=timedelta(seconds=120)
    )


def test_idle_sync_notes_the_sign_of_life_and_the_measurements(world: World, agent: LightAgent):
    world.clock.advance(timedelta(seconds=15))

    agent.sync(cpu_percent=77)

    row = world.instance(agent.agent_id, "i-0aaa")
    assert row["last_seen_at"] == world.clock.now()
    assert row["cpu_percent"] == 77


def test_order_reaches_the_agent_at_its_next_sync(world: World, agent: LightAgent):
    command_id = order_switch(world.alpha, agent.agent_id)

    assert _agreed(world, agent)["commands"] == [command_id]


def test_order_that_failed_to_be_written_is_no_news_that_lasts(world: World, agent: LightAgent):
    first = order_switch(world.alpha, agent.agent_id)
    body = {"target_mode": "spot", "target_pool_id": "m5.large.us-east-1c"}
    refused = world.alpha.post(f"agents/{agent.agent_id}/issue-switch-command", body)

    assert refused.status_code == 409
    assert _agreed(world, agent)["commands"] == [first]


def test_held_command_is_handed_out_at_every_sync_until_it_ends(world: World, agent: LightAgent):
    (command,) = _command_of(agent, world)
    assert _agreed(world, agent)["commands"] == [command["id"]]
    world.clock.advance(timedelta(minutes=1))
    assert _agreed(world, agent)["commands"] == [command["id"]]

    agent.acknowledge(command)

    assert _agreed(world, agent)["commands"] == []


def test_overdue_lease_is_renewed_by_the_sync_of_its_holder(world: World, agent: LightAgent):
    (command,) = _command_of(agent, world)
    world.clock.advance(timedelta(hours=2))

    assert _agreed(world, agent)["commands"] == [command["id"]]
    assert world.command(command["id"])["lease_expires_at"] > world.clock.now()


def test_expired_command_leaves_nothing_behind(world: World, agent: LightAgent):
    order_switch(world.alpha, agent.agent_id)
    world.clock.advance(timedelta(hours=2))
    LeaseSweep(world.database).sweep(now=world.clock.now())

    assert _agreed(world, agent)["commands"] == []


def test_reported_switch_is_news_to_both_sides(world: World, agent: LightAgent):
    (command,) = _command_of(agent, world)
    host = agent.launch(command, "i-0bbb", "use1-az2")
    successor = LightAgent(world.url, world.alpha.token, host)
    world.lend(successor)
    successor.register()
    successor.sync()
    assert _agreed(world, successor)["role"] == "successor"

    agent.report_switch(command, host, times=[world.clock.now()] * 4)

    old, new = _agreed(world, agent), _agreed(world, successor)
    assert (old["role"], old["primary"], old["config"].enabled) == ("superseded", "i-0bbb", False)
    assert (new["role"], new["epoch"]) == ("primary", 2)
    assert len(new["commands"]) == 1  # to retire its predecessor


def test_failed_switch_makes_the_successor_a_candidate(world: World, agent: LightAgent):
    (command,) = _command_of(agent, world)
    successor = LightAgent(
        world.url, world.alpha.token, agent.launch(command, "i-0bbb", "use1-az2")
    )
    world.lend(successor)
    successor.register()
    assert _agreed(world, successor)["role"] == "successor"

    agent.acknowledge(command, success=False, message="did not work")

    assert _agreed(world, successor)["role"] == "candidate"


def test_take_over_by_registration_is_news_to_the_old_primary(world: World, agent: LightAgent):
    world.clock.advance(SILENCE)
    native(world, "i-0bbb")

    answer = _agreed(world, agent)

    assert (answer["role"], answer["primary"], answer["epoch"]) == ("superseded", "i-0bbb", 2)


def test_appointed_candidate_learns_that_it_is_the_primary(world: World, agent: LightAgent):
    candidate = native(world, "i-0bbb")
    candidate.sync()
    assert _agreed(world, candidate)["role"] == "candidate"
    world.clock.advance(SILENCE)
    candidate.sync()

    assert _appoint(world) == 1

    answer = _agreed(world, candidate)
    assert (answer["role"], answer["primary"], answer["epoch"]) == ("primary", "i-0bbb", 2)
    assert _agreed(world, agent)["role"] == "superseded"


def test_closed_instance_is_told_to_be_idle(world: World, agent: LightAgent):
    candidate = native(world, "i-0bbb")
    candidate.sync()
    answer = world.alpha.post(
        f"agents/{agent.agent_id}/instances/i-0bbb/terminated", {}, instance="i-0aaa"
    )
    assert answer.status_code == 200, answer.text

    told = _agreed(world, candidate)

    assert (told["role"], told["config"].enabled) == ("terminated", False)


def test_deleted_agent_is_told_to_be_idle_and_a_revived_one_to_work(
    world: World, agent: LightAgent
):
    delete_agent(world, agent.agent_id)
    assert not _agreed(world, agent)["config"].enabled

    agent.register()

    assert _agreed(world, agent)["config"].enabled


@pytest.mark.parametrize("enabled", [0, 1])
def test_changed_settings_reach_the_agent_at_its_next_sync(
    world: World, agent: LightAgent, enabled: int
):
    tell_news(world, agent.agent_id)
    world.write(
        "UPDATE agent_configs SET version = version + 1, enabled = %(enabled)s, replica_count = 2",
        enabled=enabled,
    )

    config = _agreed(world, agent)["config"]

    assert (config.version, config.enabled, config.replica_count) == (2, bool(enabled), 2)


def test_agent_that_was_silent_is_back_with_its_next_sync(world: World, agent: LightAgent):
    world.write("UPDATE instances SET is_steady = 0")
    world.write("UPDATE agents SET status = 'offline'")

    agent.sync()

    assert world.agent(agent.agent_id)["status"] == "online"


def test_writer_that_forgot_delays_its_news_and_no_more(world: World, agent: LightAgent):
    command_id = queue(world, agent.agent_id, command_type="snapshot")
    world.write("UPDATE commands SET status = 'completed'")
    agent.sync()
    world.write("UPDATE commands SET status = 'pending'")

    assert _agreed_after(world, agent, seconds=LOOK_AGAIN_SECONDS) == [command_id]


def test_foreign_tenant_gets_nothing_from_what_is_remembered(world: World, agent: LightAgent):
    body = {"instance_id": "i-0aaa", "config_version": 1}

    answer = world.beta.post(f"agents/{agent.agent_id}/sync", body, instance="i-0aaa")

    assert answer.status_code == 404


def _command_of(agent: LightAgent, world: World) -> list[dict[str, Any]]:
    order_switch(world.alpha, agent.agent_id)
    return agent.sync()


def _agreed_after(world: World, agent: LightAgent, seconds: float) -> list[str]:
    world.clock.advance(timedelta(seconds=seconds))
    commands: list[str] = _agreed(world, agent)["commands"]
    return commands
