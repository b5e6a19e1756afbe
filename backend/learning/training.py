"""A hazard model from a data set: fitted, cross-validated over blocks of time, described.

Logistic regression on standardised features: on the public nine-zone trace, boosted trees, splines
and richer features gained nothing on days that the model had not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from backend.errors import InvalidRequest
from backend.learning.dataset import Dataset
from backend.learning.traces import Floats
from decision_engines.features import FEATURES

# Chosen by cross-validation within the first 20 days of the public trace.
CHOSEN: Final = (
    "log_calm_hours",
    "log_longest_calm_hours",
    "troubled_share",
    "region_troubled_share",
    "siblings_in_trouble",
    "price_ratio",
)
PENALTY: Final = 0.02  # scikit-learn's C: the smaller, the closer to zero
BLOCKS: Final = 5
FEWEST_ROWS: Final = 1_000
FEWEST_LOSSES: Final = 20
BINS: Final = 10


@dataclass(frozen=True, slots=True)
class HazardModel:
    """What was fitted: chance = logistic(intercept + coefficients x (row - mean) / scale)."""

    features: tuple[str, ...]
    mean: Floats
    scale: Floats
    coefficients: Floats
    intercept: float

    def inputs(self, rows: Floats) -> Floats:
        """Return the columns that the model reads, of rows in the order of ``FEATURES``."""
        return np.asarray(rows[:, [FEATURES.index(name) for name in self.features]])

    def chances(self, rows: Floats) -> Floats:
        """Return the chance of a loss within the horizon for rows in the order of ``FEATURES``."""
        standard = (self.inputs(rows) - self.mean) / self.scale
        raw = standard @ self.coefficients + self.intercept
        return np.asarray(0.5 * (1 + np.tanh(raw / 2)))

    def document(self) -> dict[str, Any]:
        """Return the model in the format ``spot-optimizer-model/1``."""
        return {
            "format": "spot-optimizer-model/1",
            "type": "logistic",
            "features": list(self.features),
            "scaling": {"mean": self.mean.tolist(), "scale": self.scale.tolist()},
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows that were given about the same chance."""

    count: int
    said: float
    happened: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """How a model did on rows that it had not seen.

    Attributes:
        rows: How many.
        loss_share: Share of them that were lost within the horizon.
        auc: Chance that a lost row was given a higher chance than another one.
        brier: Mean squared error.
        climatology: That of always saying the share of losses in the training rows.
        bins: Tenths of the chances; empty ones are left out.
    """

    rows: int
    loss_share: float
    auc: float
    brier: float
    climatology: float
    bins: tuple[Bin, ...]

    @property
    def skill_percent(self) -> float:
        """How far the Brier score is below that of climatology, in percent; may be negative."""
        return 100 * (1 - self.brier / self.climatology)


def fit(data: Dataset, features: Sequence[str] = CHOSEN) -> HazardModel:
    """Fit a model.

    Raises:
        InvalidRequest: there are too few rows, losses or survivals to learn from.
    """
    lost = int(data.lost.sum())
    if len(data.lost) < FEWEST_ROWS or min(lost, len(data.lost) - lost) < FEWEST_LOSSES:
        raise InvalidRequest(
            f"there are {len(data.lost)} rows, {lost} of them lost: at least {FEWEST_ROWS} rows,"
            f" {FEWEST_LOSSES} lost and {FEWEST_LOSSES} not, are needed to learn from",
            field="trace",
        )
    columns = [FEATURES.index(name) for name in features]
    scaler = StandardScaler().fit(data.rows[:, columns])
    model = LogisticRegression(C=PENALTY, max_iter=500)
    model.fit(scaler.transform(data.rows[:, columns]), data.lost)
    return HazardModel(
        tuple(features),
        np.asarray(scaler.mean_),
        np.asarray(scaler.scale_),
        np.asarray(model.coef_[0]),
        float(model.intercept_[0]),
    )


def judge(model: HazardModel, data: Dataset, *, base_share: float) -> Metrics:
    """Judge a model on rows that it was not fitted to.

    Args:
        model: The model.
        data: What happened.
        base_share: Share of losses in the training rows: what climatology would say.

    Raises:
        InvalidRequest: all rows were lost, or none.
    """
    if len(set(data.lost.tolist())) != 2:  # noqa: PLR2004 - lost, and not
        raise InvalidRequest(
            "the judged days need losses and survivals: nothing can be told apart", field="trace"
        )
    said = model.chances(data.rows)
    return Metrics(
        rows=len(said),
        loss_share=float(data.lost.mean()),
        auc=float(roc_auc_score(data.lost, said)),
        brier=float(np.mean((said - data.lost) ** 2)),
        climatology=float(np.mean((base_share - data.lost) ** 2)),
        bins=_bins(said, data),
    )


def cross_validate(data: Dataset, features: Sequence[str] = CHOSEN) -> list[Metrics]:
    """Judge each fifth of the time by a model of the other four.

    Rows whose horizon reaches into a judged block are left out of its model.
    """
    edges = np.linspace(data.at.min(), data.at.max() + 1, BLOCKS + 1).astype(np.int64)
    ahead = int(data.horizon.total_seconds())
    found = []
    for begin, end in pairwise(edges.tolist()):
        kept = (data.at < begin - ahead) | (data.at >= end)
        others = Dataset(data.rows[kept], data.lost[kept], data.at[kept], data.horizon)
        block = data.between(begin, end - ahead)
        found.append(judge(fit(others, features), block, base_share=float(others.lost.mean())))
    return found


def _bins(said: Floats, data: Dataset) -> tuple[Bin, ...]:
    tenth = np.minimum((said * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(int(here.sum()), float(said[here].mean()), float(data.lost[here].mean()))
        for here in (tenth == number for number in range(BINS))
        if here.any()
    )
