"""Loss detection over a real database: arming, outages, who looks, and what is said."""

import json
from datetime import timedelta

import pytest

from backend.config import Settings
from backend.services.losses import LossDetection
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    MINUTE,
    SECOND,
    SILENCE,
    commands,
    insert,
    make_agent,
    make_client,
    make_event,
    make_instance,
    make_replica,
    notifications,
    query,
)

pytestmark = pytest.mark.db

SETTINGS = Settings.model_validate({"SECRET_KEY": "k" * 32})
LONG_AGO = START - timedelta(minutes=10)


def arm(database) -> None:
    for name in ("fallback.armed_at", "fallback.watched_at"):
        insert(database, "settings", name=name, value=START.isoformat(), updated_at=START)


def detect(database, now=START, **over):
    settings = SETTINGS.model_copy(update=over) if over else SETTINGS
    return LossDetection(database, settings).detect(now=now)


def the_loss(database):
    (row,) = query(database, "SELECT * FROM spot_interruption_events WHERE signal_type = 'loss'")
    return row


def spec(database, agent) -> None:
    insert(
        database,
        "launch_specs",
        agent_id=agent["id"],
        client_id=agent["client_id"],
        instance_id=agent["primary_instance_id"],
        spec='{"ami_id": "ami-1"}',
        user_data_encrypted="sealed",
        spec_hash="h" * 32,
        created_at=START,
        updated_at=START,
    )


def test_nobody_is_lost_before_the_watch_is_armed(database):
    make_agent(database, heard_at=LONG_AGO)

    watched = [detect(database, START + step * SECOND) for step in (0, 60, 120, 180, 239)]

    assert not any(one.is_armed or one.taken_up for one in watched)
    assert detect(database, START + 240 * SECOND).taken_up == 1


def test_hole_in_the_watch_arms_it_anew(database):
    arm(database)
    make_agent(database, heard_at=START)

    assert not detect(database, START + SILENCE + SECOND).is_armed
    assert detect(database, START + 60 * SECOND).silent == 0


def test_replica_is_asked_to_look_and_a_second_run_asks_nobody(database):
    arm(database)
    agent = make_agent(database, heard_at=LONG_AGO)
    replica = make_replica(database, agent)

    first, second = detect(database), detect(database, START + 15 * SECOND)

    assert (first.taken_up, second.taken_up) == (1, 0)
    event = the_loss(database)
    assert (event["status"], event["action"]) == ("responding", "verify")
    assert (event["replica_id"], event["epoch"]) == (replica["id"], 1)
    (command,) = commands(database, agent)
    assert (command["command_type"], command["priority"]) == ("verify_primary", 100)
    assert command["instance_id"] == replica["instance_id"]
    assert json.loads(command["payload"]) == {
        "event_id": event["id"],
        "instance_id": agent["primary_instance_id"],
        "region": "eu-west-1",
    }


def test_rescuer_of_the_same_client_account_and_region_is_asked(database):
    arm(database)
    client_id = make_client(database)
    agent = make_agent(database, client_id, heard_at=LONG_AGO)
    spec(database, agent)
    make_agent(database, client_id, account_id="999999999999")
    make_agent(database)  # another client's
    rescuer = make_agent(database, client_id)

    assert detect(database).taken_up == 1

    event = the_loss(database)
    assert event["rescuer_agent_id"] == rescuer["id"]
    (command,) = commands(database, rescuer)
    payload = json.loads(command["payload"])
    assert command["command_type"] == "rescue"
    assert (payload["agent_id"], payload["instance_id"]) == (
        agent["id"],
        agent["primary_instance_id"],
    )
    assert payload["launch_spec"] == {"ami_id": "ami-1"}
    assert payload["user_data_sealed"] == "sealed"


@pytest.mark.parametrize("has_spec", [True, False])
def test_nobody_to_rescue_is_said_plainly_and_once(database, has_spec):
    arm(database)
    agent = make_agent(database, heard_at=LONG_AGO)
    if has_spec:
        spec(database, agent)

    detect(database)
    detect(database, START + 15 * SECOND)

    event = the_loss(database)
    assert (event["status"], event["reason"]) == ("lost", "no_rescuer")
    assert event["ended_at"] == START
    (note,) = notifications(database, "agent_lost")
    assert (note["agent_id"], note["severity"]) == (agent["id"], "error")


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ({"enabled": False}, "agent_disabled"),
        ({"freeze_level": "all"}, "frozen"),
        ({}, "sef_disabled"),
    ],
)
def test_loss_that_nobody_may_act_on_is_recorded_as_unhandled(database, setup, reason):
    arm(database)
    agent = make_agent(database, heard_at=LONG_AGO, **setup)
    make_replica(database, agent)

    detect(database, enable_sef=reason != "sef_disabled")

    event = the_loss(database)
    assert (event["status"], event["reason"]) == ("unhandled", reason)
    assert commands(database, agent) == []


def test_voluntary_freeze_does_not_stop_an_emergency(database):
    arm(database)
    agent = make_agent(database, heard_at=LONG_AGO, freeze_level="voluntary")
    make_replica(database, agent)

    detect(database)

    assert the_loss(database)["status"] == "responding"


def test_correlated_silence_is_one_alarm_and_no_failover_and_is_cleared(database):
    arm(database)
    client_id = make_client(database)
    for _ in range(10):
        make_agent(database, client_id)
    silent = [make_agent(database, client_id, heard_at=LONG_AGO) for _ in range(3)]
    for agent in silent:
        make_replica(database, agent)

    runs = [detect(database, START + n * 15 * SECOND) for n in range(3)]

    assert [run.braked for run in runs] == [3, 3, 3]
    assert query(database, "SELECT id FROM spot_interruption_events") == []
    (alarm,) = notifications(database, "correlated_silence")
    assert (alarm["client_id"], alarm["severity"]) == (client_id, "error")

    query(database, "UPDATE instances SET last_seen_at = %(now)s", now=START + 46 * SECOND)
    for _ in range(2):
        assert detect(database, START + 50 * SECOND).braked == 0
    assert len(notifications(database, "correlated_silence_over")) == 1
    assert len(notifications(database, "correlated_silence")) == 1


def test_outage_of_the_fleet_raises_one_alarm_for_all_clients(database):
    arm(database)
    for _ in range(4):
        client_id = make_client(database)
        for _ in range(3):
            make_agent(database, client_id, heard_at=LONG_AGO)

    assert detect(database).braked == 12
    (alarm,) = notifications(database, "correlated_silence")
    assert alarm["client_id"] is None


@pytest.mark.parametrize("other", ["candidate", "successor", "notice", "promoting", "gone"])
def test_silence_that_somebody_deals_with_is_left_to_them(database, other):
    arm(database)
    agent = make_agent(database, heard_at=LONG_AGO)
    if other in ("candidate", "successor"):
        make_instance(database, agent, "i-waiting", role=other)
    elif other == "notice":
        make_event(database, agent, "termination-notice")
    elif other == "promoting":
        make_replica(database, agent, "promoting")
    else:
        query(database, "UPDATE instances SET terminated_at = %(now)s", now=START)

    assert detect(database).taken_up == 0


def test_agent_that_has_been_silent_for_days_is_off_not_lost(database):
    arm(database)
    make_agent(database, heard_at=START - timedelta(days=2))

    assert detect(database).taken_up == 0


def test_loss_is_over_when_the_primary_is_heard_again(database):
    arm(database)
    client_id = make_client(database)
    agent = make_agent(database, client_id, heard_at=LONG_AGO)
    spec(database, agent)
    make_agent(database, client_id)
    detect(database)
    query(
        database,
        "UPDATE instances SET last_seen_at = %(now)s",
        now=START + 10 * SECOND,
    )

    assert detect(database, START + 15 * SECOND).heard_again == 1
    assert (the_loss(database)["status"], the_loss(database)["reason"]) == (
        "stood_down",
        "heard_again",
    )


def test_second_silence_is_a_second_loss(database):
    arm(database)
    make_agent(database, heard_at=LONG_AGO)
    detect(database)
    query(database, "UPDATE instances SET last_seen_at = %(at)s", at=START + MINUTE)
    for step in range(15, 200, 15):
        detect(database, START + step * SECOND)

    rows = query(database, "SELECT notice_key FROM spot_interruption_events")
    assert len({row["notice_key"] for row in rows}) == 2
