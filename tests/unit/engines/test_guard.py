"""Every limit blocks, with its reason; without a reason nothing does."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from backend.domain.decision_limits import DecisionLimits, parse_windows
from backend.engines.guard import Census, Refusal, Standing, judge, most_in_pool, most_moved
from decision_engines.contract import Action, Decision
from tests.fakes.clock import START
from tests.fakes.market import move_to, on_demand, on_spot, pool

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HERE, THERE = pool("a", "0.06", risk=0.1), pool("b", "0.04")
STANDING = Standing(client_id="c", limits=DecisionLimits())


def census(agents: int = 10, **over) -> Census:
    counts = Census()
    counts.agents["c"] = counts.spot_agents["c"] = agents
    for name, values in over.items():
        getattr(counts, name).update(values)
    return counts


def refusals(given, decision=None, *, standing=STANDING, counts=None, **limits) -> set[Refusal]:
    if limits:
        standing = replace(standing, limits=DecisionLimits(**limits))
    decision = decision or move_to(THERE, given)
    (verdict,) = judge([(given, standing, decision)], counts or census())
    assert verdict.is_allowed is not bool(verdict.refusals)
    assert all(len(sentence) > 10 for _, sentence in verdict.refusals)
    return {reason for reason, _ in verdict.refusals}


SPOT = on_spot(HERE, THERE)
STALE = pool("b", price_at=START - 16 * MINUTE)
NIGHT = parse_windows([{"days": ["mon"], "from": "22:00", "to": "04:00"}])  # START is Monday noon


def test_guard_permits_a_move_that_breaks_no_limit():
    assert refusals(SPOT) == set()


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        ({"is_enabled": False}, Refusal.DISABLED),
        ({"is_auto_switch": False}, Refusal.AUTO_SWITCH_OFF),
        ({"is_online": False}, Refusal.OFFLINE),
        ({"has_identity_conflict": True}, Refusal.IDENTITY_CONFLICT),
        ({"is_frozen": True}, Refusal.FROZEN),
        ({"has_open_switch": True}, Refusal.OPEN_SWITCH),
    ],
)
def test_guard_refuses_by_where_the_agent_stands(standing, reason):
    assert refusals(SPOT, standing=replace(STANDING, **standing)) == {reason}


@pytest.mark.parametrize(
    ("given", "limits", "reason"),
    [
        (replace(SPOT, in_place_for=119 * MINUTE), {}, Refusal.MIN_STAY),
        (replace(SPOT, switches_last_day=3), {}, Refusal.DAY_LIMIT),
        (replace(SPOT, switches_last_week=10), {}, Refusal.WEEK_LIMIT),
        (SPOT, {"max_switches_per_day": 0}, Refusal.DAY_LIMIT),
        (SPOT, {"windows": NIGHT}, Refusal.WINDOW),
        (replace(SPOT, ondemand_price=None), {}, Refusal.UNKNOWN_PRICE),
        (on_spot(None, THERE), {}, Refusal.UNKNOWN_PRICE),
        (on_spot(replace(HERE, price_at=START - 16 * MINUTE), THERE), {}, Refusal.STALE_PRICE),
        (on_spot(HERE, STALE), {}, Refusal.STALE_PRICE),
        (SPOT, {"min_savings_percent": Decimal(61)}, Refusal.MIN_SAVING),
        (on_spot(HERE, replace(THERE, risk=0.31)), {}, Refusal.RISK),
        (on_spot(HERE, replace(THERE, cooling_until=START + MINUTE)), {}, Refusal.COOLING),
        (
            on_demand(replace(THERE, last_loss_at=START - 119 * MINUTE)),
            {},
            Refusal.UNPROVED,
        ),
        (on_spot(HERE, replace(THERE, price=HERE.price, risk=0.1)), {}, Refusal.NO_BENEFIT),
    ],
)
def test_guard_refuses_by_each_limit(given, limits, reason):
    assert refusals(given, **limits) == {reason}


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        (replace(SPOT, in_place_for=2 * HOUR), {}),
        (replace(SPOT, switches_last_day=2, switches_last_week=9), {}),
        (SPOT, {"min_savings_percent": Decimal(60)}),
        (on_spot(HERE, replace(THERE, risk=0.30)), {}),
        (on_spot(HERE, replace(THERE, cooling_until=START)), {}),
        (on_demand(replace(THERE, last_loss_at=START - 2 * HOUR)), {}),
        (on_spot(HERE, replace(THERE, last_loss_at=START - MINUTE)), {}),  # no return
        (on_spot(HERE, STALE), {"max_price_age_seconds": 960}),
        (SPOT, {"windows": parse_windows([{"from": "11:00", "to": "13:00"}])}),
    ],
)
def test_guard_permits_what_just_keeps_the_limit(given, limits):
    assert refusals(given, **limits) == set()


def test_guard_believes_a_model_that_the_dearer_pool_is_safer():
    given = on_spot(HERE, replace(THERE, price=HERE.price, risk=0.1))

    assert refusals(given, move_to(THERE, given, risk=0.2, target_risk=0.05)) == set()


def test_guard_refuses_a_pool_that_holds_its_share():
    full = census(in_pool={("c", THERE.pool_id): 3})

    assert refusals(SPOT, counts=full) == {Refusal.POOL_SHARE}
    assert refusals(SPOT, counts=census(in_pool={("c", THERE.pool_id): 2})) == set()


def test_guard_refuses_when_enough_are_moved():
    assert refusals(SPOT, counts=census(moved={"c": 1})) == {Refusal.MOVED}


def test_guard_tells_every_reason():
    standing = replace(STANDING, is_frozen=True, has_open_switch=True)
    given = on_spot(HERE, replace(THERE, risk=0.9), in_place_for=MINUTE)

    assert refusals(given, standing=standing) == {
        Refusal.FROZEN, Refusal.OPEN_SWITCH, Refusal.MIN_STAY, Refusal.RISK,
    }  # fmt: skip


def test_guard_permits_ondemand_without_looking_at_pools():
    assert refusals(SPOT, move_to(None, SPOT)) == set()


def test_guard_leaves_out_the_alternatives_that_break_a_limit():
    good, risky = pool("c", "0.05"), pool("d", "0.03", risk=0.5)
    given = on_spot(HERE, THERE, good, risky)
    decision = move_to(THERE, given, alternatives=(risky.pool_id, good.pool_id))

    (verdict,) = judge([(given, STANDING, decision)], census())

    assert verdict.pools == (THERE.pool_id, good.pool_id)


def test_pass_moves_those_in_danger_first_then_those_that_save_most():
    cases = []
    for name, saving, risk in (("a", 0.01, 0.1), ("b", 0.05, 0.1), ("c", 0.0, 0.9)):
        given = replace(SPOT, agent_id=name)
        decision = move_to(THERE, given, expected_saving_usd_per_hour=saving, risk=risk)
        cases.append((given, STANDING, decision))

    verdicts = judge(cases, census(agents=20))

    assert [verdict.is_allowed for verdict in verdicts] == [False, True, True]


def test_pass_fills_a_pool_no_further_than_its_share():
    cases = [
        (given, STANDING, move_to(THERE, given))
        for given in (replace(SPOT, agent_id=f"{n:03}") for n in range(100))
    ]

    counts = census(agents=100)
    limits = DecisionLimits(max_moved_percent=100)
    cases = [(given, replace(STANDING, limits=limits), move) for given, _, move in cases]

    assert sum(verdict.is_allowed for verdict in judge(cases, counts)) == 30
    assert counts.in_pool["c", THERE.pool_id] == 30


def test_a_stay_is_neither_refused_nor_ordered():
    stay = Decision(agent_id="agent-1", action=Action.STAY, risk=0.1, reasons=("so",))

    (verdict,) = judge([(SPOT, replace(STANDING, is_frozen=True), stay)], census())

    assert (verdict.is_allowed, verdict.refusals) == (False, ())


@pytest.mark.parametrize(("agents", "most"), [(0, 1), (1, 1), (3, 1), (4, 2), (10, 3), (100, 30)])
def test_share_is_never_less_than_one(agents, most):
    assert most_in_pool(DecisionLimits(), agents) == most


@pytest.mark.parametrize(("agents", "most"), [(1, 1), (10, 1), (11, 2), (10_000, 1000)])
def test_pass_moves_at_least_one(agents, most):
    assert most_moved(DecisionLimits(), agents) == most
