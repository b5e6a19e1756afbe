"""Signals of agents of ours: one call decides, acts and answers with the plan."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest

from backend.services.lease_sweep import LeaseSweep
from backend.services.price_quality import PriceQuality
from tests.contract import standbys
from tests.contract.orders import native, order_switch, queue
from tests.contract.serving import World, blamed
from tests.contract.standbys import notice
from tests.fakes.light_agent import Host, LightAgent


def signal(
    world: World, agent: LightAgent, kind: str = "termination-notice", **changes: Any
) -> dict[str, Any]:
    body = notice(agent, world, kind, **changes)
    answer = world.alpha.post(
        f"agents/{agent.agent_id}/interruption", body, instance=body["instance_id"]
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def event(world: World, event_id: str) -> dict[str, Any]:
    return world.row("SELECT * FROM spot_interruption_events WHERE id = %(id)s", id=event_id)


def told(world: World) -> list[str]:
    return [
        row["notification_type"]
        for row in world.rows("SELECT notification_type FROM notifications ORDER BY id")
        if row["notification_type"] not in ("client_created", "agent_registered")
    ]


def test_ready_replica_takes_over_when_the_primary_is_noticed(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)

    answer = signal(world, agent)

    assert (answer["status"], answer["role"], answer["epoch"]) == ("failed_over", "superseded", 2)
    plan = answer["plan"]
    assert plan["action"] == "hand_over"
    assert plan["new_instance_id"] == "i-standby"
    assert plan["old_instance_id"] == "i-old"
    assert plan["replica_id"] == replica_id
    row = event(world, answer["event_id"])
    assert row["status"] == "failed_over"
    assert row["committed_at"] == world.clock.now()
    assert world.roles(agent.agent_id) == {"i-old": "superseded", "i-standby": "primary"}


def test_repeated_notice_gets_the_same_plan(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)

    first = signal(world, agent)
    second = signal(world, agent)

    for name in ("action", "event_id", "epoch", "new_instance_id", "old_instance_id"):
        assert second["plan"][name] == first["plan"][name]
    assert len(world.switches(agent.agent_id)) == 1
    assert event(world, first["event_id"])["report_count"] == 2


def test_one_replacement_is_launched_by_the_noticed_host_when_it_has_no_replica(world: World):
    agent = native(world, "i-old")

    first = signal(world, agent)
    second = signal(world, agent)

    order = first["plan"]["order"]
    assert first["plan"]["action"] == "launch"
    assert order["kind"] == "automatic-termination"
    assert order["allow_ondemand"] is True
    assert order["event_id"] == first["event_id"]
    assert second["plan"]["order"] == order
    (row,) = world.rows("SELECT * FROM replica_instances")
    assert (row["status"], row["event_id"]) == ("promoting", first["event_id"])
    assert told(world) == ["replacement_ordered"]
    # The order is its lease: the sync repeats it, and it may be acknowledged.
    assert [command["id"] for command in agent.sync()] == [order["command_id"]]


def test_replacement_takes_over_when_its_agent_registers(world: World):
    agent = native(world, "i-old")
    order = signal(world, agent)["plan"]["order"]

    heir = native(world, "i-heir", az="us-east-1b", launch_tags={"ReplicaId": order["replica_id"]})

    assert (heir.role, heir.epoch) == ("primary", 2)
    again = signal(world, agent)
    assert again["plan"]["action"] == "hand_over"
    assert again["plan"]["new_instance_id"] == "i-heir"


def test_running_replica_takes_over_when_none_is_ready(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id, status="syncing")

    assert signal(world, agent)["plan"]["action"] == "hand_over"


def test_booting_replica_is_chosen_when_nothing_runs_yet(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id, status="syncing", is_running=False)

    plan = signal(world, agent)["plan"]

    assert (plan["action"], plan["replica_id"]) == ("await", replica_id)
    assert standbys.replica(world, replica_id)["status"] == "promoting"
    assert len(world.rows("SELECT id FROM replica_instances")) == 1


def test_replacement_is_ordered_beside_a_silent_replica(world: World):
    agent = native(world, "i-old")
    silent = standbys.standby(world, agent.agent_id)
    world.clock.advance(timedelta(seconds=46))

    plan = signal(world, agent)["plan"]

    assert plan["action"] == "launch"
    assert plan["replica_id"] != silent


def test_running_successor_is_adopted_when_there_is_no_replica(world: World):
    agent = native(world, "i-old")
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.sync()
    native(world, "i-next", az="us-east-1b", launch_tags={"CommandId": command_id})

    answer = signal(world, agent)

    assert answer["plan"]["action"] == "hand_over"
    assert answer["plan"]["new_instance_id"] == "i-next"
    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["new_instance_id"]) == ("ready", "i-next")


def test_replica_is_ordered_when_the_primary_is_at_risk(world: World):
    agent = native(world, "i-old")

    first = signal(world, agent, "rebalance-recommendation")
    second = signal(world, agent, "rebalance-recommendation")

    assert first["plan"]["action"] == second["plan"]["action"] == "monitor"
    assert first["plan"]["replica_id"] == second["plan"]["replica_id"] is not None
    assert world.agent(agent.agent_id)["epoch"] == 1
    (command,) = agent.sync()
    assert (command["command_type"], command["priority"]) == ("create_replica", 50)


def test_standby_order_becomes_the_emergency_when_the_notice_follows(world: World):
    agent = native(world, "i-old")
    standby = signal(world, agent, "rebalance-recommendation")["plan"]["replica_id"]

    plan = signal(world, agent)["plan"]

    assert (plan["action"], plan["replica_id"]) == ("launch", standby)
    assert plan["order"]["replica_id"] == standby
    assert standbys.replica(world, standby)["status"] == "promoting"
    assert standbys.commands(world, agent.agent_id) == [("create_replica", "i-old", "leased")]


def test_another_replica_is_ordered_when_the_replica_is_noticed(world: World):
    agent = native(world, "i-old")
    doomed = standbys.standby(world, agent.agent_id)
    heir = native(world, "i-standby", az="us-east-1b")

    answer = signal(world, heir)

    assert answer["role"] == "replica"
    assert answer["plan"]["action"] == "monitor"
    assert world.agent(agent.agent_id)["epoch"] == 1
    assert standbys.replica(world, doomed)["doomed_at"] is not None
    other = answer["plan"]["replica_id"]
    assert (other != doomed, standbys.replica(world, other)["status"]) == (True, "launching")
    assert [c["command_type"] for c in agent.sync()][:1] == ["create_replica"]


@pytest.mark.parametrize("order", ["primary_first", "replica_first", "together"])
def test_one_primary_and_one_replacement_result_when_both_are_noticed(world: World, order: str):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    heir = native(world, "i-standby", az="us-east-1b")
    both = [agent, heir] if order == "primary_first" else [heir, agent]

    if order == "together":
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda one: signal_alone(world, one), both))
    else:
        for one in both:
            signal(world, one)

    roles = list(world.roles(agent.agent_id).values())
    assert roles.count("primary") == 1
    live = world.rows("SELECT status FROM replica_instances WHERE live_slot IS NOT NULL")
    undoomed = world.rows(
        "SELECT status FROM replica_instances WHERE live_slot IS NOT NULL AND doomed_at IS NULL"
    )
    assert [row["status"] for row in undoomed] == ["promoting"]
    assert len(live) <= 2


def signal_alone(world: World, agent: LightAgent) -> Any:
    """As ``signal``, on a connection of this thread's own."""
    body = notice(agent, world)
    return agent._post(f"{agent.agent_id}/interruption", body)


def test_one_promotion_results_when_a_notice_is_repeated_at_once(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    agents = [LightAgent(world.url, world.alpha.token, agent.host) for _ in range(6)]
    for one in agents:
        one.agent_id = agent.agent_id
        world.lend(one)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: signal_alone(world, one), agents))

    assert {answer["plan"]["action"] for answer in answers} == {"hand_over"}
    assert {answer["epoch"] for answer in answers} == {2}
    assert len(world.rows("SELECT id FROM spot_interruption_events")) == 1


def test_notice_of_a_superseded_instance_is_recorded_only(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    signal(world, agent)
    before = world.agent(agent.agent_id)

    late = signal(world, agent, notice_time=world.clock.now().isoformat())

    assert late["plan"]["action"] == "monitor"
    assert late["status"] == "stood_down"
    assert world.agent(agent.agent_id) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE agent_configs SET enabled = 0", "agent_disabled"),
        ("UPDATE agents SET freeze_level = 'all'", "frozen"),
        ("UPDATE clients SET freeze_level = 'all'", "frozen"),
    ],
)
def test_nothing_is_done_when_emergencies_are_off(world: World, change: str, reason: str):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    world.write(change)

    answer = signal(world, agent)

    assert (answer["status"], answer["plan"]["action"]) == ("unhandled", "none")
    assert answer["plan"]["reason"] == reason
    assert world.agent(agent.agent_id)["epoch"] == 1
    assert told(world) == ["interruption_unhandled"]


def test_emergencies_go_on_when_only_voluntary_moves_are_frozen(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    world.write("UPDATE agents SET freeze_level = 'voluntary'")

    assert signal(world, agent)["plan"]["action"] == "hand_over"


def test_drill_touches_nothing(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)

    answer = signal(world, agent, is_drill=True)

    assert answer["plan"]["action"] == "monitor"
    assert event(world, answer["event_id"])["reason"] == "drill: promote (replica_ready)"
    assert world.agent(agent.agent_id)["epoch"] == 1


def test_launch_budget_stops_standbys_but_not_the_first_replacement(world: World):
    agent = native(world, "i-old")
    for _ in range(4):
        standbys.standby(world, agent.agent_id, None, "failed")

    weak = signal(world, agent, "rebalance-recommendation")
    strong = signal(world, agent)

    assert weak["plan"]["reason"] == "agent_launch_budget"
    assert strong["plan"]["action"] == "launch"
    assert told(world) == ["launch_budget_exceeded", "replacement_ordered"]


def test_verified_traffic_completes_the_switch(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    event_id = signal(world, agent)["event_id"]
    heir = native(world, "i-standby", az="us-east-1b")
    (command,) = [c for c in heir.sync() if c["command_type"] == "promote"]
    world.clock.advance(timedelta(seconds=5))

    acknowledge(world, agent.agent_id, command["id"], success=True)

    (switch,) = world.switches(agent.agent_id)
    assert switch["status"] == "completed"
    assert switch["cut_over_at"] == world.clock.now()
    assert event(world, event_id)["verified_at"] == world.clock.now()


def test_failed_cut_over_is_told_but_the_primary_has_moved(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    signal(world, agent)
    heir = native(world, "i-standby", az="us-east-1b")
    (command,) = [c for c in heir.sync() if c["command_type"] == "promote"]

    acknowledge(world, agent.agent_id, command["id"], success=False)

    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["reason"]) == ("completed", "cut_over_unverified")
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-standby"
    assert "cut_over_unverified" in told(world)


def test_promotion_that_nobody_verified_is_closed_as_such(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    signal(world, agent)

    LeaseSweep(world.database).sweep(world.clock.now() + timedelta(minutes=11))

    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["reason"]) == ("completed", "cut_over_unverified")
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-standby"


def test_second_promotion_follows_before_the_first_is_verified(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    signal(world, agent)
    heir = native(world, "i-standby", az="us-east-1b")
    standbys.standby(world, agent.agent_id, "i-second")

    answer = signal(world, heir)

    assert (answer["plan"]["action"], answer["epoch"]) == ("hand_over", 3)
    reasons = {(row["new_instance_id"], row["status"]) for row in world.switches(agent.agent_id)}
    assert reasons == {("i-standby", "completed"), ("i-second", "ready")}


def test_real_notice_is_not_taken_for_the_rehearsal_before_it(world: World):
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    body = notice(agent, world)

    rehearsal = signal(world, agent, is_drill=True, notice_time=body["notice_time"])
    real = signal(world, agent, notice_time=body["notice_time"])

    assert real["event_id"] != rehearsal["event_id"]
    assert real["plan"]["action"] == "hand_over"
    assert event(world, real["event_id"])["status"] == "failed_over"


def test_recommendation_that_was_stood_down_orders_nothing_again(world: World):
    agent = native(world, "i-old")
    body = notice(agent, world, "rebalance-recommendation")
    first = signal(world, agent, "rebalance-recommendation", notice_time=body["notice_time"])
    world.write("UPDATE spot_interruption_events SET status = 'stood_down', ended_at = received_at")
    world.write("UPDATE replica_instances SET status = 'terminated'")
    world.clock.advance(timedelta(hours=5))

    again = signal(world, agent, "rebalance-recommendation", notice_time=body["notice_time"])

    assert again["event_id"] == first["event_id"]
    assert (again["plan"]["action"], again["plan"]["reason"]) == ("monitor", "stood_down")
    assert len(world.rows("SELECT id FROM replica_instances")) == 1


def acknowledge(world: World, agent_id: str, command_id: str, *, success: bool) -> None:
    answer = world.alpha.post(
        f"agents/{agent_id}/commands/{command_id}/executed",
        {"success": success, "message": "cut_over: no address"},
        instance="i-standby",
    )
    assert answer.status_code == 200, answer.text


def know_prices(world: World, agent: LightAgent) -> None:
    """Prices of three pools, reported by the agent."""
    pools = [f"m5.large.us-east-1{zone}" for zone in "abc"]
    answer = world.alpha.post(
        f"agents/{agent.agent_id}/pricing-report",
        {
            "instance": {
                "instance_id": agent.host.instance_id,
                "instance_type": "m5.large",
                "region": "us-east-1",
                "az": "us-east-1a",
                "mode": "spot",
            },
            "pricing": {
                "spot_pools": [{"pool_id": name, "price": 0.03} for name in pools],
                "collected_at": world.clock.now().isoformat(),
            },
        },
        instance=agent.host.instance_id,
    )
    assert answer.json()["refused"] == []
    PriceQuality(world.database).unfold_reports()


def test_interruption_cools_the_pool(world: World):
    agent = native(world, "i-old")
    know_prices(world, agent)

    plan = signal(world, agent)["plan"]
    signal(world, agent)

    (rest,) = world.rows("SELECT * FROM pool_cooldowns")
    assert rest["reason"] == "interruption"
    assert rest["ends_at"] == world.clock.now() + timedelta(minutes=30)
    assert sorted(plan["pools"]) == ["m5.large.us-east-1b", "m5.large.us-east-1c"]


def test_neighbours_in_a_storm_begin_with_different_pools(world: World):
    agent = native(world, "i-old")
    know_prices(world, agent)
    other = LightAgent(world.url, world.alpha.token, Host(instance_id="i-other"), "web-2")
    world.lend(other)
    other.register()

    first, second = signal(world, agent)["plan"], signal(world, other)["plan"]

    assert first["pools"] == list(reversed(second["pools"]))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"signal": "earthquake"}, "signal"),
        ({"notice_time": "2020-01-01T00:00:00Z"}, "notice_time"),
        ({"notice_time": "2099-01-01T00:00:00Z"}, "notice_time"),
        ({"notice_time": "soon"}, "notice_time"),
        ({"detected_at": "2020-01-01T00:00:00Z"}, "detected_at"),
        ({"action": "explode"}, "action"),
        ({"is_drill": "yes"}, "is_drill"),
        ({"instance_id": ""}, "instance_id"),
    ],
)
def test_bad_signal_is_refused_by_name(world: World, change: dict[str, Any], field: str):
    agent = native(world, "i-old")

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/interruption", notice(agent, world) | change
    )

    assert answer.status_code == 400, answer.text
    assert blamed(answer) == {field}
    assert world.rows("SELECT id FROM spot_interruption_events") == []


def test_signal_is_refused_when_agent_or_instance_are_unknown_or_somebody_elses(world: World):
    agent = native(world, "i-old")
    path = f"agents/{agent.agent_id}/interruption"
    body = notice(agent, world)

    unknown = world.alpha.post(path, body | {"instance_id": "i-nobody"})
    foreign = world.beta.post(path, body)
    nowhere = world.alpha.post(f"agents/{'0' * 36}/interruption", body)

    assert [a.status_code for a in (unknown, foreign, nowhere)] == [404, 404, 404]
    assert world.rows("SELECT id FROM spot_interruption_events") == []


def test_findings_replace_a_dead_primary(world: World):
    agent, event_id = lost(world)
    standbys.put_instance(world, agent.agent_id, "i-witness", "replica")

    answer = find(world, agent, event_id, "terminated")

    assert answer.status_code == 200, answer.text
    assert answer.json()["plan"]["action"] == "hand_over"
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-standby"


def test_findings_leave_a_living_primary_alone(world: World):
    agent, event_id = lost(world)

    answer = find(world, agent, event_id, "running")

    assert answer.json()["status"] == "stood_down"
    assert told(world) == ["agent_silent"]
    assert world.agent(agent.agent_id)["epoch"] == 1


def test_findings_are_refused_when_nobody_asked(world: World):
    agent, event_id = lost(world)

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/interruptions/{event_id}/findings",
        {"instance_id": "i-old", "state": "terminated"},
        instance="i-stranger",
    )

    assert answer.status_code == 409
    assert world.agent(agent.agent_id)["epoch"] == 1


def lost(world: World) -> tuple[LightAgent, str]:
    """A silent primary whose standby was asked to look."""
    agent = native(world, "i-old")
    standbys.standby(world, agent.agent_id)
    event_id = "e" * 36
    world.write(
        "INSERT INTO spot_interruption_events (id, client_id, agent_id, instance_id, signal_type,"
        " notice_key, status, subject_role, epoch, instance_type, region, az, mode, noticed_at,"
        " received_at) VALUES (%(id)s, %(c)s, %(a)s, 'i-old', 'loss', 'k', 'responding', 'primary',"
        " 1, 'm5.large', 'us-east-1', 'us-east-1a', 'spot', %(now)s, %(now)s)",
        id=event_id,
        c=world.alpha.client_id,
        a=agent.agent_id,
        now=world.clock.now(),
    )
    queue(
        world,
        agent.agent_id,
        command_type="verify_primary",
        instance_id="i-standby",
        target_mode=None,
        payload=orjson.dumps({"event_id": event_id, "instance_id": "i-old"}).decode(),
        status="leased",
        lease_instance_id="i-standby",
    )
    return agent, event_id


def find(world: World, agent: LightAgent, event_id: str, state: str):
    return world.alpha.post(
        f"agents/{agent.agent_id}/interruptions/{event_id}/findings",
        {"instance_id": "i-old", "state": state, "checked_at": world.clock.now().isoformat()},
        instance="i-standby",
    )
