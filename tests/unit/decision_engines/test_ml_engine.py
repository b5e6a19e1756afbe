"""The value of a move, and what happens without a model or with a broken one."""

import math
from datetime import timedelta

import pytest

from backend.engines.selftest import self_test
from decision_engines.contract import Action, CannotDecide, HazardScores
from decision_engines.features import FEATURES, pool_features
from decision_engines.ml_based_engine import MLBasedDecisionEngine, Weights
from decision_engines.verification import check_decision
from tests.fakes.clock import START
from tests.fakes.market import on_demand, on_spot, pool

HOUR = timedelta(hours=1)


class Model:
    """Answers by the price ratio, or always the same."""

    def __init__(self, answer=None, horizon=timedelta(minutes=30)):
        self.answer, self.horizon, self.rows = answer, horizon, []

    def score(self, features):
        self.rows = list(features)
        chances = [row["decayed_losses"] / 10 for row in features]
        return HazardScores(
            chances if self.answer is None else self.answer, "model-7", self.horizon
        )


def decide(given, model=None, **weights):
    engine = MLBasedDecisionEngine(model or Model(), Weights(**weights))
    (decision,) = engine.decide([given])
    return check_decision(given, decision)


def test_engine_moves_when_the_pool_here_is_likely_to_be_lost():
    decision = decide(on_spot(pool("a", decayed_losses=5), pool("b")))

    assert (decision.action, decision.target_pool_id) == (Action.SWITCH_SPOT, "m5.large.us-east-1b")
    assert decision.risk == pytest.approx(1 - math.exp(2 * math.log(0.5)))  # 0.5 in half an hour


def test_engine_stays_when_the_difference_does_not_pay_the_move():
    assert decide(on_spot(pool("a", "0.0405"), pool("b", "0.04"))).action is Action.STAY


def test_engine_moves_when_the_price_difference_pays_the_move():
    assert decide(on_spot(pool("a", "0.06"), pool("b", "0.04"))).action is Action.SWITCH_SPOT


def test_engine_goes_to_ondemand_when_every_pool_is_likely_to_be_lost():
    here, there = pool("a", "0.09", decayed_losses=6), pool("b", "0.09", decayed_losses=6)

    assert decide(on_spot(here, there)).action is Action.SWITCH_ONDEMAND


def test_engine_goes_back_to_spot_when_a_pool_is_safe_and_cheap():
    assert decide(on_demand(pool("b"))).target_pool_id == "m5.large.us-east-1b"


def test_engine_offers_no_pool_above_the_owners_risk():
    assert decide(on_demand(pool("b", decayed_losses=3))).action is Action.STAY


def test_engine_cannot_decide_without_a_model():
    with pytest.raises(CannotDecide, match="no hazard model"):
        MLBasedDecisionEngine().decide([on_demand(pool())])


@pytest.mark.parametrize("answer", [[float("nan")], [1.2], [-0.1], [], [0.1, 0.1, 0.1]])
def test_engine_refuses_what_is_no_chance(answer):
    with pytest.raises(ValueError, match="the model answered"):
        decide(on_demand(pool()), Model(answer))


def test_model_is_asked_once_about_each_pool():
    model, shared = Model(), (pool("b"), pool("c"))
    inputs = [on_demand(*shared, agent_id=f"agent-{n}") for n in range(50)]

    MLBasedDecisionEngine(model).decide(inputs)

    assert len(model.rows) == 2


def test_info_names_the_model_that_answered():
    engine = MLBasedDecisionEngine(Model())
    engine.decide([on_demand(pool())])

    assert engine.info().model_version == "model-7"


def test_engine_passes_the_test_of_engines():
    self_test(MLBasedDecisionEngine(Model()))
    self_test(MLBasedDecisionEngine())


def test_features_are_finite_numbers_in_their_order():
    lost = pool("b", last_loss_at=START - HOUR)
    row = pool_features(pool("a"), (lost, pool("c")), ondemand_price=None, now=START)

    assert tuple(row) == FEATURES
    assert all(math.isfinite(value) for value in row.values())
    assert row["log_sibling_age_hours"] == pytest.approx(math.log(2))
    assert row["sibling_losses"] == 1
