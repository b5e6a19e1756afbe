"""Signals of installed agents: exactly one vehicle per event, and no promise before it is kept."""

from typing import Any

import pytest

from tests.contract import standbys
from tests.contract.orders import native, registered
from tests.contract.serving import World, blamed
from tests.fakes.installed_agents import InstalledAgent


def imminent(world: World, agent: InstalledAgent, **changes: Any) -> dict[str, Any]:
    deadline = world.clock.now() + standbys.IN_TWO_MINUTES
    body = {"instance_id": agent.instance_id, "termination_time": deadline.isoformat(), **changes}
    answer = world.alpha.post(f"agents/{agent.agent_id}/termination-imminent", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask_replica(world: World, agent: InstalledAgent, signal: str = "termination-notice"):
    body: dict[str, Any] = {"signal_type": signal, "instance_id": agent.instance_id}
    if signal == "termination-notice":
        body["termination_time"] = (world.clock.now() + standbys.IN_TWO_MINUTES).isoformat()
    return world.alpha.post(f"agents/{agent.agent_id}/create-emergency-replica", body)


def replicas(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM replica_instances ORDER BY created_at, id")


def test_agent_that_asks_first_gets_one_row_to_launch(world: World):
    agent = registered(world)

    asked = ask_replica(world, agent)
    notice = imminent(world, agent)

    assert asked.status_code == 201
    assert asked.json()["success"] is True
    assert asked.json()["urgency"] == "critical"
    assert notice["success"] is False
    assert notice["create_emergency_replica"] is False
    assert notice["replica_id"] == asked.json()["replica_id"]
    (row,) = replicas(world)
    assert (row["id"], row["status"], row["command_id"]) == (
        asked.json()["replica_id"],
        "promoting",
        None,
    )
    assert ask_replica(world, agent).status_code == 200
    assert len(replicas(world)) == 1


def test_agent_that_only_repeats_the_notice_is_told_once_to_launch(world: World):
    agent = registered(world)

    told = [imminent(world, agent)["create_emergency_replica"] for _ in range(4)]

    assert told == [True, False, False, False]
    assert len(replicas(world)) == 1
    assert len(world.rows("SELECT id FROM spot_interruption_events")) == 1


def test_notices_without_a_time_join_the_event(world: World):
    agent = registered(world)
    ask_replica(world, agent)

    imminent(world, agent, termination_time=None)
    imminent(world, agent, termination_time="unknown")

    assert len(replicas(world)) == 1
    assert len(world.rows("SELECT id FROM spot_interruption_events")) <= 2


def test_agent_stops_when_the_replica_has_taken_over(world: World):
    agent = registered(world)
    replica_id = standbys.standby(
        world,
        agent.agent_id,
        is_running=False,
        protocol=4,
        confirmed_running_at=world.clock.now(),
    )

    answer = imminent(world, agent)
    again = imminent(world, agent)

    for said in (answer, again):
        assert said["success"] is True
        assert said["new_instance_id"] == "i-standby"
        assert said["action"] == "replica_promoted"
    assert answer["replica_id"] == replica_id
    (switch,) = world.switches(agent.agent_id)
    assert switch["status"] == "completed"
    assert standbys.commands(world, agent.agent_id)[1:] == []


def test_replica_that_nobody_confirmed_lately_is_not_promoted(world: World):
    agent = registered(world)
    standbys.standby(world, agent.agent_id, is_running=False, protocol=4)

    assert imminent(world, agent)["success"] is False


def test_legacy_agent_is_moved_by_an_urgent_switch(world: World):
    agent = registered(world, dialect="agent_3_2_0")
    world.write("UPDATE instances SET agent_version = '3.2.0', mode = 'spot'")

    answers = [imminent(world, agent) for _ in range(2)]

    assert [answer["success"] for answer in answers] == [False, False]
    (command,) = world.rows("SELECT command_type, priority, target_mode FROM commands")
    assert (command["command_type"], command["priority"]) == ("switch", 100)
    assert replicas(world) == []


def test_rebalance_is_recorded_and_answered_with_monitor(world: World):
    agent = registered(world)
    path = f"agents/{agent.agent_id}/rebalance-recommendation"
    body = {"instance_id": agent.instance_id, "detected_at": world.clock.now().isoformat()}

    answers = [world.alpha.post(path, body).json() for _ in range(3)]

    assert {answer["action"] for answer in answers} == {"monitor"}
    assert {answer["risk_score"] for answer in answers} == {0.5}
    (event,) = world.rows("SELECT * FROM spot_interruption_events")
    assert (event["signal_type"], event["report_count"]) == ("rebalance-recommendation", 3)
    assert replicas(world) == []


def test_rebalance_joins_the_replica_that_was_asked_for(world: World):
    agent = registered(world)
    asked = ask_replica(world, agent, "rebalance-recommendation").json()

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/rebalance-recommendation", {"instance_id": agent.instance_id}
    ).json()

    assert answer["reason"] == "replica_on_its_way"
    assert [row["id"] for row in replicas(world)] == [asked["replica_id"]]
    assert asked["urgency"] == "high"


def test_nothing_is_ordered_when_the_agent_is_disabled(world: World):
    agent = registered(world)
    world.write("UPDATE agent_configs SET enabled = 0")

    answer = ask_replica(world, agent)

    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["reason"] == "agent_disabled"
    assert imminent(world, agent)["create_emergency_replica"] is False
    assert replicas(world) == []


def test_termination_is_written_down_and_taken_for_a_goodbye(world: World):
    agent = registered(world)

    body = {"reason": "spot", "instance_id": agent.instance_id, "region": "us-east-1"}
    answers = [world.alpha.post(f"agents/{agent.agent_id}/termination", body) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"success": True}] * 2
    row = world.row("SELECT * FROM termination_events")
    assert (row["reason"], row["instance_id"]) == ("spot", agent.instance_id)
    assert world.agent(agent.agent_id)["status"] == "offline"


def test_termination_of_a_superseded_host_leaves_the_agent_online(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    world.alpha.post(
        f"agents/{agent.agent_id}/interruption", standbys.notice(agent, world), instance="i-old"
    )

    world.alpha.post(f"agents/{agent.agent_id}/termination", {"instance_id": "i-old"})

    assert world.agent(agent.agent_id)["status"] == "online"


@pytest.mark.parametrize(
    "route",
    [
        "termination",
        "rebalance-recommendation",
        "create-emergency-replica",
        "termination-imminent",
    ],
)
def test_unknown_agent_is_refused(world: World, route: str):
    agent = registered(world)
    body = {"signal_type": "termination-notice", "instance_id": agent.instance_id}

    assert world.alpha.post(f"agents/{'0' * 36}/{route}", body).status_code == 404
    assert world.beta.post(f"agents/{agent.agent_id}/{route}", body).status_code == 404
    assert world.rows("SELECT id FROM spot_interruption_events") == []
    assert world.rows("SELECT id FROM termination_events") == []


@pytest.mark.parametrize(
    ("route", "change", "field"),
    [
        ("create-emergency-replica", {"signal_type": "storm"}, "signal_type"),
        (
            "create-emergency-replica",
            {"termination_time": "2001-01-01T00:00:00Z"},
            "termination_time",
        ),
        ("termination-imminent", {"termination_time": "tomorrow"}, "termination_time"),
        ("termination-imminent", {"termination_time": "2099-01-01T00:00:00Z"}, "termination_time"),
        ("rebalance-recommendation", {"detected_at": "2099-01-01T00:00:00Z"}, "detected_at"),
    ],
)
def test_bad_signal_is_refused_by_name(
    world: World, route: str, change: dict[str, Any], field: str
):
    agent = registered(world)
    body = {"signal_type": "termination-notice", "instance_id": agent.instance_id, **change}

    answer = world.alpha.post(f"agents/{agent.agent_id}/{route}", body)

    assert answer.status_code == 400, answer.text
    assert blamed(answer) == {field}
    assert world.rows("SELECT id FROM spot_interruption_events") == []
