"""Who an instance is to its agent when it registers: every rule of fencing, over HTTP."""

from datetime import timedelta

import pytest

from tests.contract.orders import (
    A_MINUTE,
    SILENCE,
    delete_agent,
    native,
    order_switch,
    registered,
    registration,
)
from tests.contract.serving import World
from tests.fakes.light_agent import LightAgent


def _register(world: World, instance_id: str, **facts):
    answer = world.alpha.post("agents/register", registration(instance_id, **facts))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_unknown_agent_is_created_with_defaults_and_epoch_1(world: World):
    answer = _register(world, "i-0aaa")

    assert (answer["role"], answer["epoch"], answer["reason"]) == ("primary", 1, "first")
    assert answer["config"]["min_savings_percent"] == 15.0
    assert answer["config"]["risk_threshold"] == 0.3


def test_the_primary_that_registers_again_is_refreshed(world: World):
    first = _register(world, "i-0aaa", hostname="old-name", ami_id="ami-01")
    again = _register(world, "i-0aaa", hostname="new-name")

    assert (again["agent_id"], again["role"]) == (first["agent_id"], "primary")
    assert (again["epoch"], again["reason"]) == (1, "refresh")
    instance = world.instance(first["agent_id"], "i-0aaa")
    assert instance["hostname"] == "new-name"
    assert instance["ami_id"] == "ami-01"  # an absent fact overwrites nothing


def test_a_refresh_by_an_agent_that_lost_its_metadata_overwrites_nothing(world: World):
    first = _register(world, "i-0aaa")

    _register(world, "i-0aaa", instance_type="unknown", az="unknown", mode="unknown", ami_id=None)

    instance = world.instance(first["agent_id"], "i-0aaa")
    assert (instance["instance_type"], instance["az"]) == ("m5.large", "us-east-1a")
    assert instance["mode"] == "spot"


def test_a_known_replica_stays_a_replica(world: World):
    first = _register(world, "i-0aaa")
    world.write(
        "INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, mode,"
        " instance_type, region, az, role_changed_at) SELECT agent_id, 'i-0rrr', client_id,"
        " 'replica', 'ordered', mode, instance_type, region, az, role_changed_at FROM instances"
    )
    world.clock.advance(SILENCE)

    answer = _register(world, "i-0rrr")

    assert (answer["role"], answer["reason"]) == ("replica", "known_replica")
    assert world.agent(first["agent_id"])["primary_instance_id"] == "i-0aaa"


def test_a_stranger_takes_over_when_the_primary_is_silent(world: World):
    first = _register(world, "i-0aaa")
    world.clock.advance(SILENCE)

    answer = _register(world, "i-0bbb")

    assert (answer["role"], answer["epoch"], answer["reason"]) == ("primary", 2, "primary_silent")
    assert world.roles(first["agent_id"]) == {"i-0aaa": "superseded", "i-0bbb": "primary"}
    switch = world.switches(first["agent_id"])[0]  # a replacement, so it is written down as one
    assert (switch["cause"], switch["status"]) == ("loss", "completed")
    assert (switch["old_instance_id"], switch["new_instance_id"]) == ("i-0aaa", "i-0bbb")


def test_a_stranger_takes_over_at_once_when_the_primary_is_gone(world: World):
    first = _register(world, "i-0aaa")
    world.write("UPDATE instances SET terminated_at = %(now)s", now=world.clock.now())

    answer = _register(world, "i-0bbb")

    assert (answer["role"], answer["reason"]) == ("primary", "primary_gone")
    assert world.roles(first["agent_id"])["i-0aaa"] == "terminated"


def test_a_stranger_beside_a_living_primary_is_a_candidate(world: World):
    first = _register(world, "i-0aaa")

    answer = _register(world, "i-0bbb")

    assert (answer["role"], answer["epoch"]) == ("candidate", 1)
    assert answer["config"]["enabled"] is True
    assert world.agent(first["agent_id"])["primary_instance_id"] == "i-0aaa"
    warned = world.rows(
        "SELECT * FROM notifications WHERE notification_type = 'candidate_registered'"
    )
    assert [row["severity"] for row in warned] == ["warning"]


def test_a_candidate_gets_no_commands(world: World):
    primary = native(world)
    candidate = native(world, "i-0bbb")
    order_switch(world.alpha, primary.agent_id)

    assert candidate.sync() == []
    assert candidate.poll() == []

    assert len(primary.sync()) == 1


def test_a_second_candidate_raises_a_conflict(world: World):
    first = _register(world, "i-0aaa")
    _register(world, "i-0bbb")

    answer = _register(world, "i-0ccc")

    assert (answer["role"], answer["reason"]) == ("candidate", "second_candidate")
    assert world.agent(first["agent_id"])["identity_conflict_at"] == world.clock.now()
    row = world.row("SELECT * FROM notifications WHERE notification_type = 'identity_conflict'")
    assert row["severity"] == "error"


def test_nobody_takes_over_by_registering_while_identities_are_in_conflict(world: World):
    first = _register(world, "i-0aaa")
    _register(world, "i-0bbb")
    _register(world, "i-0ccc")
    world.clock.advance(SILENCE)

    for instance_id in ("i-0bbb", "i-0ccc", "i-0ddd"):
        assert _register(world, instance_id)["role"] == "candidate"

    assert world.agent(first["agent_id"])["primary_instance_id"] == "i-0aaa"
    assert _register(world, "i-0aaa")["role"] == "primary"


def test_the_conflict_is_announced_once(world: World):
    _register(world, "i-0aaa")
    for instance_id in ("i-0bbb", "i-0ccc", "i-0ddd", "i-0ccc"):
        _register(world, instance_id)

    sql = "SELECT * FROM notifications WHERE notification_type = 'identity_conflict'"
    assert len(world.rows(sql)) == 1


def test_a_candidate_that_registers_again_stays_the_same_candidate(world: World):
    first = _register(world, "i-0aaa")
    _register(world, "i-0bbb")

    assert _register(world, "i-0bbb")["role"] == "candidate"

    assert world.agent(first["agent_id"])["identity_conflict_at"] is None


@pytest.mark.parametrize("role", ["superseded", "terminated"])
def test_a_retired_instance_is_answered_politely_and_idle(world: World, role: str):
    first = _register(world, "i-0aaa")
    world.clock.advance(SILENCE)
    _register(world, "i-0bbb")
    world.write(f"UPDATE instances SET role = '{role}' WHERE instance_id = 'i-0aaa'")

    answer = _register(world, "i-0aaa")

    assert (answer["role"], answer["epoch"]) == ("superseded", 2)
    assert answer["config"]["enabled"] is False
    assert world.agent(first["agent_id"])["primary_instance_id"] == "i-0bbb"


def test_a_superseded_instance_is_told_to_be_idle_by_every_call(world: World):
    old = native(world)
    world.clock.advance(SILENCE)
    native(world, "i-0bbb")

    config = world.alpha.get(f"agents/{old.agent_id}/config", instance="i-0aaa").json()
    old.sync()

    assert config["enabled"] is False
    assert old.config["enabled"] is False
    assert (old.role, old.epoch) == ("superseded", 2)
    assert world.alpha.get(f"agents/{old.agent_id}/config").json()["enabled"] is True


def test_a_superseded_instance_takes_over_again_when_the_present_primary_is_silent(world: World):
    _register(world, "i-0aaa")
    world.clock.advance(SILENCE)
    _register(world, "i-0bbb")
    world.clock.advance(SILENCE)

    answer = _register(world, "i-0aaa")

    assert (answer["role"], answer["epoch"], answer["reason"]) == ("primary", 3, "primary_silent")


def test_a_primary_appointed_by_a_report_is_given_time_to_boot(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    command = old.poll()
    old.execute(command, old.successor("i-0bbb", "us-east-1b"))
    world.clock.advance(A_MINUTE)  # the new instance still boots, the old one restarts

    assert _register(world, "i-0aaa")["role"] == "superseded"


def test_the_successor_is_known_by_its_launch_tag(world: World):
    primary = native(world)
    order_switch(world.alpha, primary.agent_id)
    (command,) = primary.sync()

    answer = _register(
        world, "i-0bbb", protocol=5, az="us-east-1f", launch_tags={"CommandId": command["id"]}
    )

    assert (answer["role"], answer["reason"]) == ("successor", "switch_launch_tag")
    assert world.switches(primary.agent_id)[0]["new_instance_id"] == "i-0bbb"


def test_a_launch_tag_of_another_tenant_explains_nothing(world: World):
    primary = native(world)
    order_switch(world.alpha, primary.agent_id)
    (command,) = primary.sync()
    tags = {"CommandId": command["id"], "ClientId": world.beta.client_id}

    assert _register(world, "i-0bbb", protocol=5, launch_tags=tags)["role"] == "candidate"


def test_the_successor_of_an_installed_agent_is_known_by_zone_and_type(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    old.poll()

    answer = _register(world, "i-0bbb", az="us-east-1b", mode="ondemand")

    assert (answer["role"], answer["reason"]) == ("successor", "switch_matches_target")


def test_another_zone_than_ordered_explains_nothing(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    old.poll()

    assert _register(world, "i-0bbb", az="us-east-1c")["role"] == "candidate"


def test_an_order_that_nobody_fetched_explains_nothing(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)

    assert _register(world, "i-0bbb", az="us-east-1b")["role"] == "candidate"


def test_an_order_has_one_successor_only(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    old.poll()
    _register(world, "i-0bbb", az="us-east-1b")

    assert _register(world, "i-0ccc", az="us-east-1b")["role"] == "candidate"
    assert _register(world, "i-0bbb", az="us-east-1b")["role"] == "successor"


def test_the_registration_completes_the_switch_when_the_old_agent_died_unreported(world: World):
    old = registered(world)
    command_id = order_switch(world.alpha, old.agent_id)
    old.poll()
    world.clock.advance(SILENCE)

    answer = _register(world, "i-0bbb", az="us-east-1b")

    assert (answer["role"], answer["epoch"]) == ("primary", 2)
    switch = world.switches(old.agent_id)[0]
    assert (switch["status"], switch["new_instance_id"]) == ("completed", "i-0bbb")
    assert len(world.switches(old.agent_id)) == 1
    command = world.command(command_id)
    assert (command["status"], command["outcome_code"]) == ("completed", "successor_registered")


def test_a_report_after_such_a_completion_fills_the_same_switch(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    command = old.poll()
    world.clock.advance(SILENCE)
    new = old.successor("i-0bbb", "us-east-1b")
    new.register()

    old.execute(command, new)

    (switch,) = world.switches(old.agent_id)
    assert switch["reported_at"] == world.clock.now()
    assert switch["ready_at"] is not None
    agent = world.agent(old.agent_id)
    assert (agent["primary_instance_id"], agent["epoch"]) == ("i-0bbb", 2)


def test_a_successor_that_dies_unreported_leaves_the_primary_in_place(world: World):
    old = registered(world)
    command_id = order_switch(world.alpha, old.agent_id)
    old.poll()
    _register(world, "i-0bbb", az="us-east-1b")
    world.clock.advance(SILENCE)
    old.beat()

    world.alpha.post(
        f"agents/{old.agent_id}/commands/{command_id}/executed",
        {"success": False, "message": "Switch failed"},
    )

    assert world.switches(old.agent_id)[0]["status"] == "failed"
    assert world.agent(old.agent_id)["primary_instance_id"] == "i-0aaa"
    assert world.roles(old.agent_id) == {"i-0aaa": "primary", "i-0bbb": "candidate"}


def test_a_native_holder_that_is_only_silent_keeps_its_switch_open(world: World):
    primary = native(world)
    order_switch(world.alpha, primary.agent_id)
    (command,) = primary.sync()
    world.clock.advance(SILENCE)
    successor = LightAgent(
        world.url, world.alpha.token, primary.launch(command, "i-0bbb", "use1-az2")
    )
    world.lend(successor)

    successor.register()

    assert successor.role == "successor"  # the holder has a journal: it may still report
    assert world.switches(primary.agent_id)[0]["status"] == "running"


def test_a_deleted_agent_starts_a_fresh_life_by_registering(world: World):
    first = _register(world, "i-0aaa")
    world.write("UPDATE agent_configs SET auto_switch_enabled = 0, min_savings_percent = 50")
    delete_agent(world, first["agent_id"])

    answer = _register(world, "i-0bbb")

    assert answer["agent_id"] == first["agent_id"]
    assert (answer["role"], answer["epoch"], answer["reason"]) == ("primary", 2, "revived")
    assert answer["config"]["auto_switch_enabled"] is True
    assert answer["config"]["min_savings_percent"] == 15.0
    agent = world.agent(first["agent_id"])
    assert (agent["status"], agent["deleted_at"]) == ("online", None)
    assert world.roles(first["agent_id"]) == {"i-0aaa": "superseded", "i-0bbb": "primary"}


def test_late_heartbeats_alone_never_revive_a_deleted_agent(world: World):
    agent = registered(world)
    delete_agent(world, agent.agent_id)
    for _ in range(3):
        world.clock.advance(timedelta(seconds=30))
        agent.beat()

    world.write("UPDATE instances SET is_steady = 0")
    assert agent.beat()

    assert agent.answers[-1].json() == {"success": False, "code": "agent_deleted"}
    assert world.agent(agent.agent_id)["status"] == "deleted"


def test_an_agent_without_a_logical_name_is_called_by_its_instance(world: World):
    answer = _register(world, "i-0aaa", logical_agent_id=None)

    assert world.agent(answer["agent_id"])["logical_agent_id"] == "i-0aaa"


@pytest.mark.parametrize("name", ["wéb-1", "サーバー", "web 1", "web/1?x=%00", "🐎" * 60])
def test_a_logical_name_may_be_any_text(world: World, name: str):
    answer = _register(world, "i-0aaa", logical_agent_id=name)

    assert world.agent(answer["agent_id"])["logical_agent_id"] == name
    assert _register(world, "i-0aaa", logical_agent_id=name)["agent_id"] == answer["agent_id"]


def test_logical_names_are_told_apart_by_case(world: World):
    upper, lower = (_register(world, f"i-{n}", logical_agent_id=n) for n in ("Web", "web"))

    assert upper["agent_id"] != lower["agent_id"]


@pytest.mark.parametrize("nothing", [None, "", "unknown", "Unknown"])
def test_what_an_agent_could_not_find_out_is_accepted(world: World, nothing):
    names = ("hostname", "instance_type", "az", "ami_id", "mode", "private_ip", "public_ip")
    answer = _register(world, "i-0aaa", **dict.fromkeys(names, nothing), unheard_of={"a": [1]})

    instance = world.instance(answer["agent_id"], "i-0aaa")
    assert (instance["instance_type"], instance["mode"]) == ("unknown", "unknown")
    assert (instance["public_ip"], instance["hostname"]) == (None, None)


def test_facts_that_were_unknown_are_filled_in_by_heartbeats(world: World):
    answer = _register(world, "i-0aaa", instance_type="unknown", az="unknown", mode="unknown")

    world.alpha.post(
        f"agents/{answer['agent_id']}/heartbeat",
        {
            "status": "online",
            "instance_id": "i-0aaa",
            "instance_type": "m5.large",
            "az": "us-east-1a",
            "mode": "spot",
        },
    )

    instance = world.instance(answer["agent_id"], "i-0aaa")
    assert (instance["instance_type"], instance["az"]) == ("m5.large", "us-east-1a")
    assert (instance["mode"], instance["is_steady"]) == ("spot", 1)
