"""The live model between engine and scorer."""

from datetime import timedelta

import pytest

from backend.engines.live_hazard import LiveHazard
from backend.engines.model_scoring import Scores
from backend.errors import DatabaseUnavailable, SpotOptimizerError
from decision_engines.contract import CannotDecide
from decision_engines.features import FEATURES
from decision_engines.ml_based_engine import MLBasedDecisionEngine
from tests.fakes.market import on_demand, pool

HORIZON = timedelta(minutes=30)
ROW = {name: float(number) for number, name in enumerate(FEATURES)}


class FakeScoring:
    def __init__(self, error=None):
        self.error = error

    def score(self, features):
        if self.error:
            raise self.error
        return Scores([0.1] * len(features), "v1", HORIZON)


def test_chances_come_with_version_and_horizon():
    scores = LiveHazard(FakeScoring()).score([ROW, ROW])

    assert (scores.chances, scores.version, scores.horizon) == ([0.1, 0.1], "v1", HORIZON)


@pytest.mark.parametrize(
    "error", [SpotOptimizerError("the scorer rests"), DatabaseUnavailable("the scorer rests")]
)
def test_what_cannot_be_scored_is_said(error):
    with pytest.raises(CannotDecide, match="the scorer rests"):
        LiveHazard(FakeScoring(error)).score([ROW])


def test_the_engine_decides_with_the_live_model():
    engine = MLBasedDecisionEngine(LiveHazard(FakeScoring()))

    engine.decide([on_demand(pool())])

    assert engine.info().model_version == "v1"
