"""The three rules, their hysteresis, and what they say when something is unknown."""

from datetime import timedelta

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from backend.engines.selftest import self_test
from decision_engines.contract import Action, Mode
from decision_engines.rule_based_engine import RuleBasedEngine
from decision_engines.verification import check_decision
from tests.fakes.clock import START
from tests.fakes.market import on_demand, on_spot, pool

HOUR = timedelta(hours=1)


def decide(given):
    (decision,) = RuleBasedEngine().decide([given])
    return check_decision(given, decision)


@pytest.mark.parametrize(
    ("price", "action"),
    [
        ("0.069", Action.SWITCH_SPOT),
        ("0.070", Action.STAY),  # exactly 30 % is not more than 30 %
        ("0.079", Action.STAY),
        ("0.200", Action.STAY),
    ],
)
def test_rules_leave_ondemand_when_spot_saves_more_than_thirty_percent(price, action):
    assert decide(on_demand(pool(price=price))).action is action


@pytest.mark.parametrize(
    ("price", "action"),
    [
        ("0.04", Action.STAY),
        ("0.08", Action.STAY),  # exactly 80 % is not above 80 %
        ("0.081", Action.SWITCH_ONDEMAND),
        ("0.2", Action.SWITCH_ONDEMAND),
    ],
)
def test_rules_leave_spot_when_it_costs_above_eighty_percent(price, action):
    assert decide(on_spot(pool("a", price))).action is action


def test_rules_prefer_a_cheap_pool_to_ondemand_when_the_present_one_is_dear():
    decision = decide(on_spot(pool("a", "0.09"), pool("b", "0.05"), pool("c", "0.04")))

    assert (decision.action, decision.target_pool_id) == (Action.SWITCH_SPOT, "m5.large.us-east-1c")
    assert decision.alternatives == ("m5.large.us-east-1b",)
    assert decision.expected_saving_usd_per_hour == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("given", "action"),
    [
        (on_demand(pool(price="0.067"), last_switch_at=START - HOUR), Action.STAY),
        (on_demand(pool(price="0.067"), last_switch_at=START - 7 * HOUR), Action.SWITCH_SPOT),
        (on_spot(pool("a", "0.083"), last_switch_at=START - HOUR), Action.STAY),
        (on_spot(pool("a", "0.083"), last_switch_at=START - 7 * HOUR), Action.SWITCH_ONDEMAND),
        (on_spot(pool("a", "0.09"), last_switch_at=START - HOUR), Action.SWITCH_ONDEMAND),
    ],
)
def test_rules_want_more_shortly_after_a_switch(given, action):
    assert decide(given).action is action


@pytest.mark.parametrize(
    "unfit",
    [
        pool(risk=0.31),
        pool(price_at=START - timedelta(minutes=16)),
        pool(cooling_until=START + timedelta(minutes=1)),
    ],
)
def test_rules_enter_no_pool_that_is_risky_stale_or_resting(unfit):
    assert decide(on_demand(unfit)).action is Action.STAY


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (on_spot(pool("a"), ondemand_price=None), "on-demand price is unknown"),
        (on_spot(None, pool()), "present pool is unknown"),
        (on_spot(pool("a", "0.2", price_at=START - HOUR)), "older than 15 minutes"),
        (on_demand(), "no spot pool"),
        (on_demand(pool(), mode=Mode.UNKNOWN), "unknown whether"),
    ],
)
def test_rules_stay_and_say_why_when_something_is_unknown(given, word):
    decision = decide(given)

    assert decision.action is Action.STAY
    assert word in decision.reasons[0]


@with_any(st.lists(st.decimals("0.001", "0.3", places=3), max_size=12))
def test_rules_do_not_flap_while_prices_wander_between_the_limits(prices):
    """From on-demand into spot and back takes a price below 70 % and one above 80 %."""
    moves, is_spot = [], False
    for price in prices:
        there = pool("a", str(price))
        action = decide(on_spot(there) if is_spot else on_demand(there)).action
        if action is not Action.STAY:
            moves.append(price)
            is_spot = action is Action.SWITCH_SPOT

    assert all(price < 0.07 for price in map(float, moves[::2]))
    assert all(price > 0.08 for price in map(float, moves[1::2]))


def test_rules_pass_the_test_of_engines():
    self_test(RuleBasedEngine())
