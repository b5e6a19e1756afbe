"""The hazard model that engines are handed: whichever trained model is live, run by somebody else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from backend.errors import SpotOptimizerError
from decision_engines.contract import CannotDecide, HazardScores
from decision_engines.features import FEATURES


class Scorer(Protocol):
    """Runs models that it has loaded, by their name."""

    def score(self, model: str, rows: list[list[float]]) -> list[float]:
        """Return one value for each row.

        Raises:
            SpotOptimizerError: the model, or whoever runs it, cannot answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class LiveModel:
    """What is known of the live model.

    Attributes:
        name: What the scorer calls it.
        version: What the log calls it.
        features: What it wants to be told, in this order.
        horizon: What its chances speak of.
    """

    name: str
    version: str
    features: tuple[str, ...]
    horizon: timedelta


class LiveHazard:
    """Scores pools with the live model. Says that it cannot when there is none that can.

    Args:
        live: Returns the live model of this moment, None when there is none.
        scorer: Runs it.
    """

    def __init__(self, live: Callable[[], LiveModel | None], scorer: Scorer) -> None:
        self._live = live
        self._scorer = scorer

    def score(self, features: Sequence[Mapping[str, float]]) -> HazardScores:
        """Return the chance of a loss for each row of features.

        Raises:
            CannotDecide: no model is live, it wants features that nobody knows, or it cannot be
                reached.
        """
        model = self._live()
        if model is None:
            raise CannotDecide("no hazard model is live")
        unknown = sorted({*model.features} - {*FEATURES})
        if unknown:
            raise CannotDecide(
                f"model {model.version} wants unknown features: {', '.join(unknown)}"
            )
        rows = [[row[name] for name in model.features] for row in features]
        try:
            chances = self._scorer.score(model.name, rows) if rows else []
        except SpotOptimizerError as error:
            raise CannotDecide(f"model {model.version} does not answer: {error.message}") from error
        return HazardScores(chances, model.version, model.horizon)
