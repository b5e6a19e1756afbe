"""The live model against what happens: its word on every pool is kept, and judged later."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, Literal

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.engines.live_hazard import Scoring
from backend.errors import SpotOptimizerError
from backend.repositories import clean_prices, model_predictions
from backend.services.decision_inputs import Subject
from decision_engines.contract import DecisionInput, PoolFacts
from decision_engines.features import pool_features

logger = logging.getLogger(__name__)

# What the database's label says of a prediction.
PredictionOutcome = Literal["lost", "survived", "unseen"]

MOST_PREDICTIONS: Final = 5000  # of one pass; pools with agents come first
BATCH_ROWS: Final = 1000
LABEL_AFTER: Final = timedelta(minutes=10)  # a loss is noticed some minutes after it happened
LABEL_STEP: Final = timedelta(minutes=15)
LABEL_BACK: Final = timedelta(hours=26)  # when runs were missed, no further than that
LABEL_JOB: Final = "label_outcomes"
JUDGED_SPAN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tenth:
    """Predictions within one tenth of the chance: how many, what was said, what came of it."""

    tenth: int
    count: int
    mean_chance: float
    lost_share: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """One model over a week. Brier scores: lower is better; ``climatology`` says the base rate."""

    model_version: str
    horizon_minutes: int
    count: int
    lost_count: int
    brier: float
    climatology: float
    newest_at: datetime
    tenths: tuple[Tenth, ...]

    @property
    def skill_percent(self) -> float | None:
        """How far the Brier score is below that of the base rate; None without both outcomes."""
        return 100 * (1 - self.brier / self.climatology) if self.climatology else None


class ModelPredictions:
    """Writes down what the live model says of the pools of a pass, whichever engine decides."""

    def __init__(self, database: Database, scoring: Scoring) -> None:
        self._database = database
        self._scoring = scoring

    def record(self, subjects: Sequence[Subject], now: datetime) -> int:
        """Score each pool that a client's agents may see; return how many were written.

        Idempotent by instant. Without a live model, or when it cannot be asked, nothing is written:
        a pass fails for no record of it.
        """
        pools, left_out = _pools_of(subjects)
        if not pools:
            return 0
        try:
            scores = self._scoring.score([features for _, features in pools])
        except SpotOptimizerError as error:
            logger.debug("No predictions: %s", error, extra={"action": "predictions_passed_over"})
            return 0
        if left_out:
            logger.warning(
                "Predictions of %d pools were not kept: a pass keeps %d",
                left_out,
                MOST_PREDICTIONS,
                extra={"action": "predictions_cut", "left_out_count": left_out},
            )
        rows = [
            {**row, "probability": round(chance, 6)}
            for (row, _), chance in zip(pools, scores.values, strict=True)
            if 0 <= chance <= 1
        ]
        minutes = int(scores.horizon / timedelta(minutes=1))
        for first in range(0, len(rows), BATCH_ROWS):
            self._write(rows[first : first + BATCH_ROWS], scores.version, minutes, now)
        return len(rows)

    def _write(self, rows: Sequence[Row], version: str, minutes: int, now: datetime) -> None:
        def work(tx: Transaction) -> None:
            model_predictions.insert_predictions(
                tx, rows, model_version=version, horizon_minutes=minutes, now=now
            )
            tx.commit()

        self._database.transact("record_predictions", work)


class PredictionOutcomes:
    """Labels predictions when their time is over, and reckons how good they were."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def label(self, *, now: datetime) -> int:
        """Write the outcomes that are known since the last run; return how many.

        Idempotent; missed hours are caught up with, a day at most.
        """
        last = self._database.run(
            "find_last_done", lambda s: clean_prices.find_last_done(s, LABEL_JOB)
        )
        until = now - LABEL_AFTER
        since = now - LABEL_BACK
        if last is not None:
            since = max(since, last - 2 * LABEL_AFTER)
        count = 0
        while since < until:
            end = min(since + LABEL_STEP, until)
            count += self._database.run(
                "label_predictions",
                lambda s, since=since, end=end: model_predictions.label_predictions(  # type: ignore[misc]
                    s, since=since, until=end
                ),
            )
            since = end
        return count

    def calibration(self) -> list[Calibration]:
        """Return each model's figures over the last seven days, the one heard last first."""
        since = self._clock.now() - JUDGED_SPAN
        rows = self._database.run(
            "list_judged_predictions", lambda s: model_predictions.list_judged(s, since=since)
        )
        found = [
            _calibration(version, minutes, list(group))
            for (version, minutes), group in groupby(
                rows, key=lambda row: (str(row["model_version"]), int(row["horizon_minutes"]))
            )
        ]
        return sorted(found, key=lambda item: item.newest_at, reverse=True)


def shown(item: Calibration) -> dict[str, Any]:
    """Return the figures of one model as the API shows them."""
    skill = item.skill_percent
    return {
        "modelVersion": item.model_version,
        "horizonMinutes": item.horizon_minutes,
        "predictions": item.count,
        "losses": item.lost_count,
        "brier": round(item.brier, 6),
        "climatologyBrier": round(item.climatology, 6),
        "skillPercent": None if skill is None else round(skill, 2),
        "bins": [
            {
                "from": tenth.tenth / 10,
                "count": tenth.count,
                "meanProbability": round(tenth.mean_chance, 6),
                "lostShare": round(tenth.lost_share, 6),
            }
            for tenth in item.tenths
        ],
    }


def _calibration(version: str, minutes: int, rows: Sequence[Row]) -> Calibration:
    count = sum(int(row["prediction_count"]) for row in rows)
    lost = sum(int(row["lost_count"]) for row in rows)
    share = lost / count
    return Calibration(
        model_version=version,
        horizon_minutes=minutes,
        count=count,
        lost_count=lost,
        brier=sum(float(row["squared_error_sum"]) for row in rows) / count,
        climatology=share * (1 - share),
        newest_at=max(row["newest_at"] for row in rows),
        tenths=tuple(
            Tenth(
                tenth=int(row["tenth"]),
                count=int(row["prediction_count"]),
                mean_chance=float(row["chance_sum"]) / int(row["prediction_count"]),
                lost_share=int(row["lost_count"]) / int(row["prediction_count"]),
            )
            for row in rows
        ),
    )


_Pool = tuple[Row, dict[str, float]]


def _pools_of(subjects: Sequence[Subject]) -> tuple[list[_Pool], int]:
    """Describe each client's pools once, those with agents first; and how many were left out."""
    found: dict[tuple[str, str], tuple[PoolFacts, DecisionInput]] = {}
    for subject in subjects:
        if subject.given.own_pool is not None:
            pool = subject.given.own_pool
            found.setdefault((subject.standing.client_id, pool.pool_id), (pool, subject.given))
    seen: set[int] = set()
    for subject in subjects:
        if id(subject.given.candidates) in seen:  # agents of one pool share the tuple
            continue
        seen.add(id(subject.given.candidates))
        for pool in subject.given.candidates:
            found.setdefault((subject.standing.client_id, pool.pool_id), (pool, subject.given))
    kept = list(found.items())[:MOST_PREDICTIONS]
    return [_described(client, *facts) for (client, _), facts in kept], len(found) - len(kept)


def _described(client_id: str, pool: PoolFacts, given: DecisionInput) -> _Pool:
    own = (given.own_pool,) if given.own_pool else ()
    features = pool_features(
        pool, (*own, *given.candidates), ondemand_price=given.ondemand_price, now=given.now
    )
    row = {
        "client_id": client_id,
        "pool_id": pool.pool_id,
        "instance_type": given.instance_type,
        "az": pool.az,
    }
    return row, features
