"""A protocol 5 agent from its first breath to its retirement."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.contract.orders import A_MINUTE, POOL_B, native, order_switch, tell_news
from tests.contract.serving import World
from tests.fakes.light_agent import Host, LightAgent, Refused


def test_a_whole_life(world: World):
    # It registers and learns that it is the primary.
    first = native(world)
    assert (first.role, first.epoch, first.is_active) == ("primary", 1, True)

    # It beats with its health; nothing waits for it.
    world.clock.advance(timedelta(seconds=15))
    assert first.sync(cpu_percent=12.341) == []
    instance = world.instance(first.agent_id, "i-0aaa")
    assert instance["last_seen_at"] == world.clock.now()
    assert (instance["cpu_percent"], instance["memory_percent"], instance["disk_percent"]) == (
        Decimal("12.34"),
        Decimal("40.50"),
        Decimal("10.00"),
    )
    assert (instance["az_id"], instance["account_id"]) == ("use1-az1", "123456789012")

    # It reports prices and is asked to move to the cheaper pool.
    first.report_prices(
        {"us-east-1a": 0.04, "us-east-1b": 0.03},
        at=world.clock.now(),
        on_demand=0.096,
        az_ids={"us-east-1a": "use1-az1", "us-east-1b": "use1-az2"},
    )
    command_id = order_switch(world.alpha, first.agent_id, None)
    world.clock.advance(timedelta(seconds=15))
    (command,) = first.sync()
    assert (command["id"], command["target_pool_id"]) == (command_id, POOL_B)
    assert first.sync() == []  # handed out again, known to the journal

    # It launches a successor, which presents the launch tags and waits.
    started = world.clock.now()
    host = first.launch(command, "i-0bbb", "use1-az2")
    world.clock.advance(A_MINUTE)
    second = LightAgent(world.url, world.alpha.token, host)
    world.lend(second)
    assert second.register()["reason"] == "switch_launch_tag"
    assert (second.role, second.epoch) == ("successor", 1)
    assert second.sync() == []
    assert world.switches(first.agent_id)[0]["status"] == "running"

    # The switch is reported: the successor is the primary, the old one stops at once.
    times = [started, started + timedelta(seconds=2), world.clock.now(), world.clock.now()]
    report = first.report_switch(command, host, times=times)
    assert report["is_primary_moved"] is True
    assert first.acknowledge(command)["status"] == "completed"
    assert first.sync() == []
    assert (first.role, first.epoch, first.is_active) == ("superseded", 2, False)
    second.sync()
    assert (second.role, second.epoch, second.is_active) == ("primary", 2, True)
    assert world.switches(first.agent_id)[0]["status"] == "completed"

    # A clone of the new one appears and is kept apart.
    clone = native(world, "i-0ccc", az="us-east-1b")
    assert (clone.role, clone.epoch, clone.is_active) == ("candidate", 2, True)
    assert clone.sync() == []

    # The old one retires, the new one stays.
    first.say_goodbye()
    second.sync()
    assert world.roles(first.agent_id) == {
        "i-0aaa": "superseded",
        "i-0bbb": "primary",
        "i-0ccc": "candidate",
    }
    agent = world.agent(first.agent_id)
    assert (agent["status"], agent["primary_instance_id"]) == ("online", "i-0bbb")


def test_sync_sends_the_config_only_when_its_version_changed(world: World):
    agent = native(world)
    agent.sync()
    before = agent.config
    world.write("UPDATE agent_configs SET version = version + 1, min_savings_percent = 20")
    tell_news(world, agent.agent_id)

    agent.sync()

    assert before["min_savings_percent"] == 15.0
    assert agent.config["min_savings_percent"] == 20.0
    assert agent.config["version"] == before["version"] + 1


def test_sync_leaves_the_config_out_when_the_version_is_known(world: World):
    agent = native(world)

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/sync",
        {"instance_id": "i-0aaa", "config_version": agent.config["version"]},
        instance="i-0aaa",
    ).json()

    assert answer["config"] is None
    assert (answer["enabled"], answer["config_version"]) == (True, 1)
    assert answer["emergency_plan"]["action"] == "launch"
    assert answer["server_time"] == "2026-03-02T12:00:00Z"


def test_sync_brings_an_offline_agent_back(world: World):
    agent = native(world)
    agent.say_goodbye()
    assert world.agent(agent.agent_id)["status"] == "offline"

    agent.sync()

    assert world.agent(agent.agent_id)["status"] == "online"


def test_sync_serves_an_instance_that_could_not_find_out_its_mode(world: World):
    agent = native(world, mode="unknown")

    agent.sync()
    agent.sync(cpu_percent=3)

    assert agent.role == "primary"
    assert world.instance(agent.agent_id, "i-0aaa")["cpu_percent"] == Decimal("3.00")


def test_sync_serves_an_agent_that_was_upgraded_in_place(world: World):
    body = {"instance_id": "i-0aaa", "logical_agent_id": "web-1", "mode": "spot"}
    facts = {"instance_type": "m5.large", "region": "us-east-1", "az": "us-east-1a"}
    agent_id = world.alpha.post("agents/register", {**body, **facts}).json()["agent_id"]

    answer = world.alpha.post(
        f"agents/{agent_id}/sync", {"instance_id": "i-0aaa"}, instance="i-0aaa"
    )

    assert answer.status_code == 200
    assert world.instance(agent_id, "i-0aaa")["protocol"] == 5


def test_sync_of_an_unknown_instance_asks_to_register(world: World):
    agent = native(world)

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/sync", {"instance_id": "i-0zzz"}, instance="i-0zzz"
    )

    assert (answer.status_code, answer.json()["details"]) == (404, {"field": "instance_id"})
    assert world.roles(agent.agent_id) == {"i-0aaa": "primary"}


def test_sync_needs_the_header_that_names_the_instance(world: World):
    agent = native(world)

    answer = world.alpha.post(f"agents/{agent.agent_id}/sync", {"instance_id": "i-0aaa"})

    assert (answer.status_code, answer.json()["details"]) == (400, {"field": "X-Instance-Id"})


def test_a_message_whose_header_and_body_disagree_is_refused(world: World):
    agent = native(world)

    for path, body in {
        "sync": {"instance_id": "i-0bbb"},
        "heartbeat": {"instance_id": "i-0bbb"},
        "pricing-report": {"instance": {"instance_id": "i-0bbb"}},
    }.items():
        answer = world.alpha.post(f"agents/{agent.agent_id}/{path}", body, instance="i-0aaa")
        assert (answer.status_code, answer.json()["details"]) == (400, {"field": "instance_id"})


def test_an_illegal_acknowledgement_is_a_conflict_that_names_both_states(world: World):
    agent = native(world)
    order_switch(world.alpha, agent.agent_id)
    (command,) = agent.sync()
    agent.acknowledge(command)

    with pytest.raises(Refused) as refused:
        agent.acknowledge(command, success=False)

    assert refused.value.status == 409
    assert "completed" in str(refused.value)
    assert "failed" in str(refused.value)


def test_a_deleted_agent_is_told_to_be_idle(world: World):
    agent = native(world)
    order_switch(world.alpha, agent.agent_id)
    world.write("UPDATE agents SET status = 'deleted'")

    assert agent.sync() == []

    assert not agent.is_active


def test_two_tenants_may_use_one_logical_name(world: World):
    ours = native(world)
    with LightAgent(world.url, world.beta.token, Host(instance_id="i-0aaa")) as theirs:
        theirs.register()

        assert theirs.role == "primary"
        assert theirs.agent_id != ours.agent_id
