"""The three installed dialects, message by message, and a switch as each of them makes it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.services.price_quality import PriceQuality
from tests.contract.orders import POOL_B, classic, delete_agent, order_switch, registered
from tests.contract.serving import World
from tests.fakes.installed_agents import DIALECTS, InstalledAgent

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@every_dialect
def test_register_answers_what_the_dialect_reads(world: World, dialect: str):
    agent = classic(world, dialect=dialect)

    assert agent.register()

    answer = agent.answers[-1].json()
    assert isinstance(answer["agent_id"], str)
    assert answer["client_id"] == world.alpha.client_id
    config = answer["config"]
    assert config["enabled"] is True
    assert config["auto_switch_enabled"] is True
    assert config["auto_terminate_enabled"] is True
    assert type(config["terminate_wait_seconds"]) is int
    assert type(config["replica_count"]) is int
    assert type(config["min_savings_percent"]) is float
    assert type(config["risk_threshold"]) is float
    assert type(config["max_switches_per_week"]) is int
    assert type(config["min_pool_duration_hours"]) is int


@every_dialect
def test_register_stores_the_instance_as_primary_of_a_new_agent(world: World, dialect: str):
    agent = registered(world, dialect=dialect)

    stored = world.agent(agent.agent_id)
    instance = world.instance(agent.agent_id, "i-0aaa")
    assert (stored["logical_agent_id"], stored["status"]) == ("web-1", "online")
    assert (stored["primary_instance_id"], stored["epoch"]) == ("i-0aaa", 1)
    assert (instance["role"], instance["protocol"]) == ("primary", 4)
    assert (instance["instance_type"], instance["az"]) == ("m5.large", "us-east-1a")
    assert instance["mode"] == ("unknown" if dialect == "agent_3_2_0" else "spot")
    assert instance["public_ip"] is None


@every_dialect
def test_a_whole_round_of_messages_succeeds(world: World, dialect: str):
    agent = registered(world, dialect=dialect)

    assert agent.beat()
    agent.refresh_config()
    assert agent.poll() is None
    assert agent.replicas_to_launch() == []
    assert agent.report_prices()
    assert agent.report_cleanup()
    assert agent.say_goodbye()

    assert {answer.status_code for answer in agent.answers} == {200}
    assert agent.enabled


@every_dialect
def test_heartbeat_moves_the_time_of_the_last_sign_of_life(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    world.clock.advance(timedelta(seconds=30))

    agent.beat()

    assert world.instance(agent.agent_id, "i-0aaa")["last_seen_at"] == world.clock.now()


@every_dialect
def test_config_is_an_object_with_enabled(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    world.write("UPDATE agent_configs SET enabled = 0")

    agent.refresh_config()

    assert agent.answers[-1].json()["enabled"] is False
    assert agent.answers[-1].json()["manual_replica_enabled"] is False
    assert not agent.enabled


@every_dialect
def test_pending_commands_is_an_empty_array_when_nothing_waits(world: World, dialect: str):
    agent = registered(world, dialect=dialect)

    assert agent.poll() is None

    assert agent.answers[-1].text == "[]"


@every_dialect
def test_a_command_has_the_types_that_the_dialect_needs(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    command_id = order_switch(world.alpha, agent.agent_id)

    command = agent.poll()

    assert isinstance(agent.answers[-1].json(), list)
    assert command["id"] == command_id
    assert command["command_type"] == "switch"
    assert command["target_mode"] == "spot"
    assert command["target_pool_id"] == POOL_B
    assert type(command["priority"]) is int
    assert type(command["terminate_wait_seconds"]) is int
    assert command["terminate_wait_seconds"] == 300


@every_dialect
def test_terminate_wait_is_zero_when_auto_terminate_is_off(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    world.write("UPDATE agent_configs SET auto_terminate_enabled = 0")
    order_switch(world.alpha, agent.agent_id)

    assert agent.poll()["terminate_wait_seconds"] == 0


@every_dialect
def test_price_report_is_kept_in_either_layout(world: World, dialect: str):
    agent = registered(world, dialect=dialect)

    agent.report_prices()

    answer = agent.answers[-1].json()
    assert (answer["success"], answer["accepted"], answer["refused"]) == (True, 6, [])
    prices = world.rows("SELECT az, price_usd_per_hour AS price FROM pool_prices ORDER BY az")
    assert {row["az"]: row["price"] for row in prices} == {
        "us-east-1a": Decimal("0.035100"),
        "us-east-1b": Decimal("0.033700"),
        "us-east-1c": Decimal("0.040200"),
        "us-east-1d": Decimal("0.031800"),
        "us-east-1e": Decimal("0.038900"),
        "us-east-1f": Decimal("0.036500"),
    }
    instance = world.instance(agent.agent_id, "i-0aaa")
    assert instance["ondemand_price_usd_per_hour"] == Decimal("0.096000")
    assert instance["mode"] == "spot"  # the oldest agents say it in no other message
    assert world.row("SELECT COUNT(*) AS n FROM pricing_reports")["n"] == 1
    PriceQuality(world.database).unfold_reports()
    assert world.row("SELECT COUNT(*) AS n FROM spot_price_snapshots")["n"] == 6


@pytest.mark.parametrize("dialect", ["agent_4_0_0", "agent_4_0_0_agent_v2"])
def test_cleanup_report_is_counted_and_kept_once(world: World, dialect: str):
    agent = registered(world, dialect=dialect)

    agent.report_cleanup()
    agent.report_cleanup()

    answer = agent.answers[-1].json()
    assert (answer["deleted_snapshots"], answer["deleted_amis"], answer["failed_count"]) == (
        3,
        1,
        1,
    )
    log = world.row("SELECT * FROM cleanup_logs")
    assert (log["deleted_snapshot_count"], log["deleted_image_count"]) == (3, 1)
    assert log["executed_at"] == world.clock.now() - timedelta(seconds=1)
    assert "snap-03" in log["report"]
    assert world.agent(agent.agent_id)["last_cleanup_at"] == log["executed_at"]


def _switch(
    world: World, dialect: str, *, terminates_itself: bool = False
) -> tuple[InstalledAgent, InstalledAgent, str]:
    """One switch as the dialect makes it: the old agent, its successor, the command."""
    old = registered(world, dialect=dialect)
    old.report_prices()
    command_id = order_switch(world.alpha, old.agent_id)
    command = old.poll()
    assert old.poll() is None  # one command a poll, and never the same one twice
    world.clock.advance(timedelta(seconds=60))
    new = old.successor("i-0bbb", "us-east-1b")
    old.execute(command, new, terminates_itself=terminates_itself)
    return old, new, command_id


@every_dialect
def test_a_switch_is_written_down_with_times_prices_and_savings(world: World, dialect: str):
    old, _new, command_id = _switch(world, dialect)

    switch = world.switches(old.agent_id)[0]
    now = world.clock.now()
    assert len(world.switches(old.agent_id)) == 1
    assert (switch["status"], switch["cause"]) == ("completed", "manual")
    assert switch["command_id"] == command_id
    assert (switch["old_instance_id"], switch["new_instance_id"]) == ("i-0aaa", "i-0bbb")
    assert (switch["old_pool_id"], switch["new_pool_id"]) == ("m5.large.us-east-1a", POOL_B)
    assert switch["initiated_at"] == now - timedelta(seconds=60)
    assert switch["ready_at"] == now - timedelta(seconds=30)
    assert switch["cut_over_at"] == now - timedelta(seconds=28)
    assert switch["old_terminated_at"] is None
    assert switch["ondemand_price_usd_per_hour"] == Decimal("0.096000")
    assert switch["savings_impact_usd_per_hour"] == Decimal("0.001400")


@every_dialect
def test_a_switch_moves_the_primary_and_completes_the_command(world: World, dialect: str):
    old, _new, command_id = _switch(world, dialect)

    agent = world.agent(old.agent_id)
    assert (agent["primary_instance_id"], agent["epoch"]) == ("i-0bbb", 2)
    assert agent["last_switch_at"] == world.clock.now()
    assert world.roles(old.agent_id) == {"i-0aaa": "superseded", "i-0bbb": "primary"}
    assert world.command(command_id)["status"] == "completed"
    assert old.answers[-1].json() == {
        "success": True,
        "command_id": command_id,
        "status": "completed",
    }


@every_dialect
def test_the_successor_registers_and_the_old_agent_changes_nothing_more(world: World, dialect: str):
    old, new, _command_id = _switch(world, dialect)

    assert new.register()
    world.clock.advance(timedelta(seconds=30))
    assert old.beat()
    assert old.say_goodbye()
    assert new.beat()

    agent = world.agent(old.agent_id)
    assert new.agent_id == old.agent_id
    assert (agent["primary_instance_id"], agent["epoch"]) == ("i-0bbb", 2)
    assert agent["status"] == "online"
    assert world.instance(old.agent_id, "i-0bbb")["last_seen_at"] == world.clock.now()
    assert world.instance(old.agent_id, "i-0bbb")["az"] == "us-east-1b"


@every_dialect
def test_an_old_agent_that_ended_itself_is_recorded_as_terminated(world: World, dialect: str):
    old, _new, _command_id = _switch(world, dialect, terminates_itself=True)

    terminated_at = world.clock.now() - timedelta(seconds=2)
    instance = world.instance(old.agent_id, "i-0aaa")
    assert (instance["role"], instance["terminated_at"]) == ("terminated", terminated_at)
    assert world.switches(old.agent_id)[0]["old_terminated_at"] == terminated_at


@every_dialect
def test_images_and_snapshots_of_a_switch_are_kept(world: World, dialect: str):
    old, _new, _command_id = _switch(world, dialect)

    switch = world.switches(old.agent_id)[0]
    kept = {
        "agent_4_0_0": (None, None),
        "agent_4_0_0_agent_v2": ("ami-0b2", None),
        "agent_3_2_0": (None, "snap-0c3"),
    }
    assert (switch["image_id"], switch["snapshot_id"]) == kept[dialect]


@every_dialect
def test_a_failed_switch_frees_the_agent_for_another(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.poll()

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/commands/{command_id}/executed",
        {"success": False, "message": "Switch failed"},
    )

    assert answer.json()["status"] == "failed"
    assert world.switches(agent.agent_id)[0]["status"] == "failed"
    assert order_switch(world.alpha, agent.agent_id) != command_id


@every_dialect
def test_a_process_without_a_good_start_says_goodbye_for_nobody(world: World, dialect: str):
    agent = classic(world, dialect=dialect)

    assert not agent.say_goodbye()  # /api/agents/None/heartbeat

    assert agent.answers[-1].status_code == 404
    assert agent.answers[-1].json()["code"] == "not_found"


@every_dialect
def test_a_deleted_agent_is_told_to_be_idle_and_gets_nothing(world: World, dialect: str):
    agent = registered(world, dialect=dialect)
    order_switch(world.alpha, agent.agent_id)
    delete_agent(world, agent.agent_id)

    assert agent.poll() is None
    agent.refresh_config()

    assert not agent.enabled
