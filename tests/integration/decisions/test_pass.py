"""The pass over the fleet: from rows to decisions, orders and the log."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import orjson
import pytest

from backend.domain.modes import Mode
from backend.engines.guard import Refusal
from backend.errors import Conflict
from backend.services.switch_requests import SwitchRequest, SwitchRequests
from tests.engines.poison import GATE
from tests.fakes.clock import START
from tests.integration.decisions.rows import (
    commands,
    logged,
    make_decisions,
    make_fleet,
    make_market,
    scores,
    switches,
)
from tests.integration.jobs.rows import insert, query

pytestmark = pytest.mark.db

MINUTE = timedelta(minutes=1)
POISON = "tests.engines.poison"


def one_pass(database, clock, engine=None, *, now=START):
    return make_decisions(database, clock, engine).decide_fleet(now=now)


def refusals(row) -> set[str]:
    return {reason for reason, _ in orjson.loads(row["guard"] or "[]")}


def test_a_dear_pool_is_left_by_a_command_an_open_switch_and_a_log_of_it_all(database, clock):
    (agent,) = make_fleet(database, make_market(database))

    result = one_pass(database, clock)

    assert (result.decided, result.advised, result.ordered, result.fallbacks) == (1, 1, 1, 0)
    (command,), (switch,), (row,), (score,) = (
        commands(database, agent), switches(database, agent),
        logged(database, agent), scores(database, agent),
    )  # fmt: skip
    assert (command["command_type"], command["status"], command["priority"]) == (
        "switch", "pending", 25,
    )  # fmt: skip
    assert command["target_pool_id"] == "m5.large.eu-west-1b"
    assert orjson.loads(command["payload"]) == {
        "pools": [f"m5.large.eu-west-1{zone}" for zone in "bcd"], "allow_ondemand": False,
    }  # fmt: skip
    assert (switch["cause"], switch["status"], switch["command_id"]) == (
        "engine", "requested", command["id"],
    )  # fmt: skip
    assert (switch["old_pool_id"], switch["new_az"]) == ("m5.large.eu-west-1a", "eu-west-1b")
    assert (row["guard_outcome"], row["command_id"], row["source"]) == (
        "allowed", command["id"], "rules",
    )  # fmt: skip
    told = orjson.loads(row["input_data"])
    assert [pool["pool_id"][-1] for pool in told["candidates"]] == ["b", "c", "d"]
    assert (told["own_pool"]["price"], told["ondemand_price"]) == (0.09, 0.1)
    assert (score["allowed"], score["recommended_mode"]) == (1, "spot")
    assert float(row["expected_savings_usd_per_hour"]) == pytest.approx(0.05)


def test_the_next_sync_of_the_agent_hears_of_its_order(database, clock):
    (agent,) = make_fleet(database, make_market(database))

    one_pass(database, clock)

    (row,) = query(database, "SELECT news_count FROM instances WHERE agent_id = %(a)s", a=agent)
    assert row["news_count"] >= 1


def test_a_pass_that_is_run_again_orders_nothing_twice(database, clock):
    (agent,) = make_fleet(database, make_market(database))
    one_pass(database, clock)

    again = one_pass(database, clock, now=START + MINUTE)

    assert again.ordered == 0
    assert len(commands(database, agent)) == 1
    assert refusals(logged(database, agent)[-1]) >= {Refusal.OPEN_SWITCH}


def test_a_pass_that_died_before_its_log_is_joined_to_its_orders(database, clock):
    """The command was committed, the switch has ended meanwhile, the log was never written."""
    (agent,) = make_fleet(database, make_market(database), max_moved_percent=100)
    one_pass(database, clock)
    query(database, "UPDATE switches SET status = 'failed', ended_at = %(n)s", n=START)
    query(database, "UPDATE switches SET cause = 'rebalance'")
    query(database, "DELETE FROM decision_engine_log")

    one_pass(database, clock, now=START + MINUTE)

    assert len(commands(database, agent)) == 1
    assert logged(database, agent)[0]["command_id"] == commands(database, agent)[0]["id"]


def test_an_agent_in_danger_is_moved_at_once_with_the_urgent_priority(database, clock):
    (agent,) = make_fleet(database, make_market(database))
    client = query(database, "SELECT client_id FROM agents")[0]["client_id"]
    insert(
        database,
        "pool_risk_analysis",
        client_id=client,
        pool_id=1,
        analysed_at=START,
        computed_at=START,
        loss_count=7,
        decayed_loss_count=7,
        last_loss_at=START - MINUTE,
        decayed_capacity_error_count=0,
        risk_score=0.9,
        recommendation="avoid",
    )

    one_pass(database, clock)

    assert commands(database, agent)[0]["priority"] == 50
    assert float(scores(database, agent)[0]["risk_score"]) > 0.3


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("INSERT INTO settings VALUES ('fallback.freeze', 'voluntary', %(now)s)", Refusal.FROZEN),
        ("UPDATE agents SET freeze_level = 'voluntary'", Refusal.FROZEN),
        ("UPDATE clients SET freeze_level = 'all'", Refusal.FROZEN),
        ("UPDATE agents SET identity_conflict_at = %(now)s", Refusal.IDENTITY_CONFLICT),
        ("UPDATE agent_configs SET max_switches_per_day = 0", Refusal.DAY_LIMIT),
        ("UPDATE agent_configs SET min_pool_duration_hours = 48", Refusal.MIN_STAY),
        ("UPDATE agent_configs SET min_savings_percent = 70", Refusal.MIN_SAVING),
        (
            'UPDATE agent_configs SET maintenance_windows = \'[{"from": "01:00", "to": "02:00"}]\'',
            Refusal.WINDOW,
        ),
        ("UPDATE instances SET launched_at = %(now)s", Refusal.MIN_STAY),
    ],
)
def test_a_refused_move_is_logged_with_its_reason_and_not_ordered(database, clock, sql, reason):
    (agent,) = make_fleet(database, make_market(database))
    query(database, sql.replace("%(now)s", "'2026-03-02 12:00:00'"))

    one_pass(database, clock)

    (row,) = logged(database, agent)
    assert (row["guard_outcome"], refusals(row)) == ("refused", {reason})
    assert row["command_id"] is None
    assert commands(database, agent) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE agent_configs SET enabled = 0",
        "UPDATE agent_configs SET auto_switch_enabled = 0",
        "UPDATE agents SET status = 'offline'",
        "UPDATE agents SET status = 'deleted'",
        "UPDATE clients SET status = 'suspended'",
    ],
)
def test_agents_that_engines_may_not_move_are_passed_over(database, clock, sql):
    make_fleet(database, make_market(database))
    query(database, sql)

    assert one_pass(database, clock).decided == 0


def test_a_cooling_pool_is_not_entered(database, clock):
    client = make_market(database)
    (agent,) = make_fleet(database, client)
    for pool in (2, 3, 4):
        insert(
            database,
            "pool_cooldowns",
            client_id=client,
            pool_id=pool,
            reason="capacity",
            source_key="x",
            occurred_at=START,
            ends_at=START + MINUTE,
        )

    one_pass(database, clock)

    assert commands(database, agent)[0]["target_mode"] == "ondemand"


def test_a_pass_moves_a_tenth_of_a_clients_agents_and_spreads_no_wider_than_a_third(
    database, clock
):
    client = make_market(database)
    make_fleet(database, client, 12)

    result = one_pass(database, clock)

    assert (result.advised, result.ordered) == (12, 2)


def test_one_pool_takes_a_third_of_the_agents_at_most(database, clock):
    client = make_market(database)
    make_fleet(database, client, 8, max_moved_percent=100)
    make_fleet(database, client, 2, zone="b")

    one_pass(database, clock)

    targets = query(database, "SELECT new_pool_id AS p, COUNT(*) AS n FROM switches GROUP BY p")
    assert {row["p"]: row["n"] for row in targets} == {"m5.large.eu-west-1b": 1}


def test_a_poisoned_agent_stops_no_pass(database, clock):
    client = make_market(database)
    poisoned, sound = make_fleet(database, client, 2)
    query(
        database,
        "UPDATE agent_configs SET maintenance_windows = '[7]' WHERE agent_id = %(a)s",
        a=poisoned,
    )

    one_pass(database, clock)

    assert refusals(logged(database, poisoned)[0]) >= {Refusal.WINDOW}
    assert len(commands(database, sound)) == 1


def test_a_pass_and_manual_orders_at_the_same_moment_open_one_switch_each(database, clock):
    client = make_market(database)
    agents = make_fleet(database, client, 12, max_moved_percent=100, max_pool_share_percent=100)
    requests = SwitchRequests(database, clock)
    wish = SwitchRequest(
        target_mode=Mode.ONDEMAND, pool_id=None, priority=75, reason=None, requested_by="tests"
    )

    def order(agent):
        try:
            return requests.request(client, agent, wish).command_id
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as threads:
        passing = threads.submit(one_pass, database, clock)
        manual = [command for command in threads.map(order, agents) if command]
        ordered = passing.result().ordered

    opened = query(database, "SELECT agent_id, command_id FROM switches")
    found = query(database, "SELECT id FROM commands")
    assert len(opened) == len(agents) == ordered + len(manual)
    assert {row["command_id"] for row in opened} == {row["id"] for row in found}


def test_without_an_ondemand_price_agents_stay_and_the_log_says_why(database, clock):
    (agent,) = make_fleet(database, make_market(database, ondemand=None))

    one_pass(database, clock)

    (row,) = logged(database, agent)
    assert row["action"] == "stay"
    assert "on-demand price is unknown" in row["output_decision"]


def test_stale_prices_move_nobody(database, clock):
    (agent,) = make_fleet(database, make_market(database, at=START - 16 * MINUTE))

    one_pass(database, clock)

    assert logged(database, agent)[0]["action"] == "stay"


@pytest.mark.parametrize("engine", ["Raises", "Hangs", "NanRisk", "UnknownPool", "AnswersTooFew"])
def test_a_poisoned_engine_stops_no_pass(database, clock, engine):
    (agent,) = make_fleet(database, make_market(database))
    GATE.clear()

    result = one_pass(database, clock, f"{POISON}.{engine}")
    GATE.set()

    (row,) = logged(database, agent)
    assert (result.ordered, result.fallbacks) == (1, 1)
    assert (row["source"], row["engine_type"]) == ("fallback", "rule_based")
    assert row["fallback_cause"]


def test_an_agent_that_is_gone_when_the_log_is_written_is_left_out(database, clock):
    client = make_market(database)
    gone, stays = make_fleet(database, client, 2, zone="b")
    decisions = make_decisions(database, clock)
    decide = decisions._judge

    def judge_and_delete(subjects, census):
        query(database, "DELETE FROM agents WHERE id = %(a)s", a=gone)
        return decide(subjects, census)

    decisions._judge = judge_and_delete
    decisions.decide_fleet(now=START)

    assert len(logged(database, stays)) == 1
    assert logged(database, gone) == []


def test_an_agent_whose_primary_changed_meanwhile_is_not_ordered_about(database, clock):
    (agent,) = make_fleet(database, make_market(database))
    decisions = make_decisions(database, clock)
    decide = decisions._judge

    def judge_and_promote(subjects, census):
        query(database, "UPDATE agents SET epoch = epoch + 1")
        return decide(subjects, census)

    decisions._judge = judge_and_promote
    result = decisions.decide_fleet(now=START)

    assert result.ordered == 0
    assert (commands(database, agent), switches(database, agent)) == ([], [])
