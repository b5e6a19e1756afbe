"""The hazard model that engines are handed: whichever trained model is live, run by somebody else."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from backend.engines.model_scoring import Scores
from backend.errors import DatabaseError, SpotOptimizerError
from decision_engines.contract import CannotDecide, HazardScores


class Scoring(Protocol):
    """Scores with the live model of this moment."""

    def score(self, features: Sequence[Mapping[str, float]]) -> Scores:
        """Return one value for each row.

        Raises:
            SpotOptimizerError: no model is live, or it, or whoever runs it, cannot answer.
        """
        ...


class LiveHazard:
    """Scores pools with the live model. Says that it cannot when there is none that can."""

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def score(self, features: Sequence[Mapping[str, float]]) -> HazardScores:
        """Return the chance of a loss for each row of features.

        Raises:
            CannotDecide: no model is live, it wants features that nobody knows, or it cannot be
                reached.
        """
        try:
            scores = self._scoring.score(features)
        except (SpotOptimizerError, DatabaseError) as error:
            raise CannotDecide(str(error)) from error
        return HazardScores(scores.values, scores.version, scores.horizon)
