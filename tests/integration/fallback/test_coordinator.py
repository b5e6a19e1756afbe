"""The coordinator over a real database: one pass, the next one, and what must not stop it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.services.coordinator import Coordinator
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    MINUTE,
    SILENCE,
    commands,
    event,
    insert,
    make_agent,
    make_client,
    make_event,
    make_pools,
    make_replica,
    notifications,
    query,
    replicas,
)

pytestmark = pytest.mark.db


def coordinate(database, now=START):
    return Coordinator(database).coordinate(now=now, silence=SILENCE)


def test_manual_mode_gets_one_standby_and_a_second_pass_changes_nothing(database):
    agent = make_agent(database, manual=True)
    make_pools(database, agent["client_id"])

    first, second = coordinate(database), coordinate(database, START + timedelta(seconds=10))

    assert (first.ordered, first.ended, second.ordered, second.ended) == (1, 0, 0, 0)
    (replica,) = replicas(database, agent)
    assert (replica["status"], replica["standby_slot"], replica["kind"]) == (
        "launching",
        1,
        "manual",
    )
    pools = ["m5.large.eu-west-1b", "m5.large.eu-west-1c"]  # never the primary's own
    assert json.loads(replica["pools"]) == pools
    (command,) = commands(database, agent)
    assert (command["command_type"], command["priority"]) == ("create_replica", 75)
    assert command["instance_id"] == agent["primary_instance_id"]
    assert command["id"] == replica["command_id"]
    assert json.loads(command["payload"]) == {
        "replica_id": replica["id"],
        "kind": "manual",
        "event_id": None,
        "instance_type": "m5.large",
        "pools": pools,
        "allow_ondemand": True,
        "tags": {},
    }


def test_order_is_news_to_the_primary(database):
    agent = make_agent(database, manual=True)

    coordinate(database)

    (row,) = query(
        database,
        "SELECT news_count FROM instances WHERE instance_id = %(id)s",
        id=agent["primary_instance_id"],
    )
    assert row["news_count"] == 1


def test_installed_agent_gets_a_row_to_fetch_and_no_command(database):
    agent = make_agent(database, manual=True, protocol=4)
    make_pools(database, agent["client_id"])

    coordinate(database)

    (replica,) = replicas(database, agent)
    assert (replica["protocol"], replica["command_id"], replica["held_until"]) == (4, None, None)
    assert commands(database, agent) == []


def test_rebalance_signal_gets_a_standby_that_its_event_knows(database):
    agent = make_agent(database)
    event_id = make_event(database, agent, status="detected")

    assert coordinate(database).ordered == 1

    (replica,) = replicas(database, agent)
    assert (replica["kind"], replica["event_id"]) == ("automatic-rebalance", event_id)
    found = event(database, event_id)
    assert (found["status"], found["replica_id"]) == ("responding", replica["id"])


def test_unwanted_standby_is_really_retired(database):
    agent = make_agent(database)
    replica = make_replica(database, agent)

    assert coordinate(database).ended == 1
    assert coordinate(database).ended == 0

    (row,) = replicas(database, agent)
    assert (row["status"], row["failure_reason"]) == ("terminating", "not_wanted")
    (command,) = commands(database, agent)
    assert command["command_type"] == "retire_instance"
    assert json.loads(command["payload"])["instance_id"] == replica["instance_id"]
    (instance,) = query(
        database,
        "SELECT role, role_reason FROM instances WHERE instance_id = %(id)s",
        id=replica["instance_id"],
    )
    assert instance == {"role": "superseded", "role_reason": "replica_retired"}


def test_unwanted_order_that_nobody_fetched_is_called_off(database):
    agent = make_agent(database, manual=True)
    coordinate(database)
    query(database, "UPDATE agent_configs SET manual_replica_enabled = 0")

    assert coordinate(database).ended == 1

    (row,) = replicas(database, agent)
    (command,) = commands(database, agent)
    assert (row["status"], command["status"]) == ("terminated", "cancelled")


def test_lost_standby_is_replaced_in_the_same_pass(database):
    agent = make_agent(database, manual=True, heard_at=START)
    lost = make_replica(database, agent, heard_at=START - SILENCE - MINUTE)

    done = coordinate(database)

    assert (done.ordered, done.ended) == (1, 1)
    rows = {row["id"]: row["status"] for row in replicas(database, agent)}
    assert rows.pop(lost["id"]) == "terminating"
    assert list(rows.values()) == ["launching"]
    kinds = {command["command_type"] for command in commands(database, agent)}
    assert kinds == {"create_replica", "retire_instance"}
    assert [n["agent_id"] for n in notifications(database, "replica_failed")] == [agent["id"]]


def test_outage_that_silences_primary_and_standby_ends_no_standby(database):
    heard_at = START - timedelta(seconds=110)
    agent = make_agent(database, manual=True, heard_at=heard_at)
    replica = make_replica(database, agent, heard_at=heard_at - timedelta(seconds=15))

    for seconds in range(0, 60, 10):
        coordinate(database, START + timedelta(seconds=seconds))

    assert [row["status"] for row in replicas(database, agent)] == [replica["status"]]


def test_doomed_standby_keeps_its_slot_while_the_next_is_prepared(database):
    agent = make_agent(database, manual=True)
    doomed = make_replica(database, agent, doomed_at=START - MINUTE)

    coordinate(database)

    slots = {row["id"]: row["standby_slot"] for row in replicas(database, agent)}
    assert slots.pop(doomed["id"]) == 1
    assert list(slots.values()) == [2]


def test_deleted_agent_loses_its_standby_and_an_operator_hears_of_the_instance(database):
    agent = make_agent(database, manual=True, status="deleted", deleted_at=START)
    replica = make_replica(database, agent)

    assert coordinate(database).ended == 1

    assert commands(database, agent) == []
    (note,) = notifications(database, "replica_needs_ending")
    assert replica["instance_id"] in note["message"]


@pytest.mark.parametrize("scope", ["global", "client", "agent"])
def test_frozen_agents_get_nothing(database, scope):
    over = {"freeze_level": "voluntary"} if scope == "agent" else {}
    agent = make_agent(database, manual=True, **over)
    if scope == "client":
        query(database, "UPDATE clients SET freeze_level = 'all'")
    if scope == "global":
        insert(database, "settings", name="fallback.freeze", value="voluntary", updated_at=START)

    assert coordinate(database).ordered == 0
    assert replicas(database, agent) == []


def test_agent_with_an_emergency_is_left_alone(database):
    agent = make_agent(database, manual=True)
    make_event(database, agent, "termination-notice")

    assert coordinate(database).ordered == 0


def test_poisoned_agent_is_skipped_and_the_others_are_served(database):
    client_id = make_client(database)
    agents = [make_agent(database, client_id, manual=True) for _ in range(5)]
    agents += [make_agent(database, manual=True, freeze_level=None)]
    query(
        database,
        "UPDATE instances SET mode = 'unknown', instance_type = 'not a type', az = 'nowhere'"
        " WHERE agent_id = %(id)s",
        id=agents[1]["id"],
    )
    done = coordinate(database)

    served = [agent["id"] for agent in agents if replicas(database, agent)]
    assert {agent["id"] for agent in agents} - {agents[1]["id"]} <= set(served)
    assert done.agents == 6


def test_agent_whose_decision_raises_is_skipped_and_named(database, monkeypatch):
    agents = [make_agent(database, manual=True) for _ in range(3)]
    from backend.services import coordinator

    real = coordinator.view_of

    def poisoned(rows, *args, **kwargs):
        if rows.agent["agent_id"] == agents[1]["id"]:
            raise KeyError("poison")
        return real(rows, *args, **kwargs)

    monkeypatch.setattr(coordinator, "view_of", poisoned)

    done = coordinate(database)

    assert done.skipped == [agents[1]["id"]]
    assert done.ordered == 2


def test_client_budget_stops_orders_and_says_so_once_an_hour(database):
    client_id = make_client(database)
    agents = [make_agent(database, client_id) for _ in range(13)]
    for agent in agents:
        make_event(database, agent, status="detected")

    done = coordinate(database)
    coordinate(database, START + timedelta(seconds=10))

    assert done.ordered == 10
    assert sum(len(replicas(database, agent)) for agent in agents) == 10
    (note,) = notifications(database, "launch_budget_exceeded")
    assert note["client_id"] == client_id


def test_client_budget_does_not_hinder_the_first_standby_that_users_wish(database):
    client_id = make_client(database)
    agents = [make_agent(database, client_id, manual=True) for _ in range(13)]

    assert coordinate(database).ordered == 13
    assert sum(len(replicas(database, agent)) for agent in agents) == 13


def test_failed_launches_back_off(database):
    agent = make_agent(database, manual=True)
    for number in range(2):
        make_replica(
            database,
            agent,
            "failed",
            has_instance=False,
            ended_at=START - timedelta(seconds=30 * number + 1),
        )

    assert coordinate(database).ordered == 0
    query(database, "UPDATE instances SET last_seen_at = %(at)s", at=START + MINUTE)
    assert coordinate(database, START + MINUTE).ordered == 1


def test_pools_are_ranked_once_for_many_agents_and_orders_spread_over_them(database):
    client_id = make_client(database)
    make_pools(database, client_id, "abcd")
    agents = [make_agent(database, client_id, manual=True) for _ in range(9)]

    done = coordinate(database)

    first = [json.loads(replicas(database, agent)[0]["pools"])[0] for agent in agents]
    assert done.rankings == 1
    assert {first.count(pool) for pool in first} == {3}


def test_order_is_not_written_twice_when_somebody_orders_in_between(database, monkeypatch):
    agent = make_agent(database, manual=True)
    from backend.repositories import standbys

    real = standbys.lock_agents

    def late(tx, ids):
        make_replica(database, agent, "launching", has_instance=False)
        return real(tx, ids)

    monkeypatch.setattr(standbys, "lock_agents", late)

    assert coordinate(database).ordered == 0
    assert len(replicas(database, agent)) == 1


@pytest.mark.parametrize(
    "poison", [{"priority": 999}, {"kind": "nonsense"}], ids=["its command", "its row"]
)
def test_order_that_the_database_refuses_costs_nobody_else_theirs(database, monkeypatch, poison):
    agents = [make_agent(database, manual=True) for _ in range(5)]
    from backend.services import coordinator

    real = coordinator.order_of

    def poisoned(agent, *args):
        order = real(agent, *args)
        return replace(order, **poison) if agent["agent_id"] == agents[2]["id"] else order

    monkeypatch.setattr(coordinator, "order_of", poisoned)

    done = coordinate(database)

    assert done.ordered == 4
    assert len(done.skipped) + done.refused == 1
    assert [len(replicas(database, agent)) for agent in agents] == [1, 1, 0, 1, 1]
