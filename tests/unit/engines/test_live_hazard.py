"""The live model between engine and scorer."""

from datetime import timedelta

import pytest

from backend.engines.live_hazard import LiveHazard, LiveModel
from backend.errors import SpotOptimizerError
from decision_engines.contract import CannotDecide
from decision_engines.features import FEATURES
from decision_engines.ml_based_engine import MLBasedDecisionEngine
from tests.fakes.market import on_demand, pool

MODEL = LiveModel("m-1", "v1", ("price_ratio", "log_age_hours"), timedelta(minutes=30))
ROW = {name: float(number) for number, name in enumerate(FEATURES)}


class FakeScorer:
    def __init__(self, error=None):
        self.asked, self.error = [], error

    def score(self, model, rows):
        if self.error:
            raise self.error
        self.asked.append((model, rows))
        return [0.1] * len(rows)


def test_features_are_handed_over_in_the_models_order():
    scorer = FakeScorer()

    scores = LiveHazard(lambda: MODEL, scorer).score([ROW])

    assert scorer.asked == [("m-1", [[ROW["price_ratio"], ROW["log_age_hours"]]])]
    assert (scores.chances, scores.version, scores.horizon) == ([0.1], "v1", MODEL.horizon)


@pytest.mark.parametrize(
    ("model", "error", "word"),
    [
        (None, None, "no hazard model is live"),
        (LiveModel("m", "v2", ("mood",), MODEL.horizon), None, "unknown features: mood"),
        (MODEL, SpotOptimizerError("the scorer rests"), "v1 does not answer: the scorer rests"),
    ],
)
def test_what_cannot_be_scored_is_said(model, error, word):
    with pytest.raises(CannotDecide, match=word):
        LiveHazard(lambda: model, FakeScorer(error)).score([ROW])


def test_the_engine_decides_with_the_live_model():
    engine = MLBasedDecisionEngine(LiveHazard(lambda: MODEL, FakeScorer()))

    engine.decide([on_demand(pool())])

    assert engine.info().model_version == "v1"
