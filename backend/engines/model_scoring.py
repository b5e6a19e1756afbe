"""Score with the live model of an engine kind, whichever that is now."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from backend.clock import Clock
from backend.db.database import Database
from backend.engines.errors import BadFeatures, ScorerUnavailable, ScoringFailed, UnknownModel
from backend.engines.formats.kinds import HORIZON_MINUTES
from backend.engines.model_bytes import ModelBytes
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.errors import DatabaseError, SpotOptimizerError
from backend.repositories import models

logger = logging.getLogger(__name__)

HAZARD: Final = "hazard"  # the kind of the model that estimates the chance of losing an instance
LOOK_EVERY_SECONDS: Final = 2.0  # a new live version is noticed within 5 s, loading included


@dataclass(frozen=True, slots=True)
class LiveModel:
    """What this process scores with."""

    model_id: str
    version: str
    features: tuple[str, ...]
    horizon: timedelta


class Scores(NamedTuple):
    """One value for each row, which version gave them, and what time ahead they speak of."""

    values: list[float]
    version: str
    horizon: timedelta


class ModelScoring:
    """Scores rows with the live model of one engine kind. Thread-safe.

    A new live version is looked for at most every two seconds, loaded beside the old one, and
    taken over when it has repeated its golden values; until then, and if it never does, the old
    one answers.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        content: ModelBytes,
        scorer: ScorerClient,
        engine_kind: str = HAZARD,
    ) -> None:
        self._database = database
        self._clock = clock
        self._content = content
        self._scorer = scorer
        self._kind = engine_kind
        self._lock = threading.Lock()
        self._live: LiveModel | None = None
        self._looked_at: float | None = None

    @property
    def live(self) -> LiveModel | None:
        """The version that answers now, None before the first one was loaded."""
        return self._live

    def score(self, features: Sequence[Mapping[str, float]]) -> Scores:
        """Return one number for each row, and the version that gave it.

        Args:
            features: Each row by the names of the model's features; more names than it needs are
                ignored, the order is the model's business.

        Raises:
            BadFeatures: a feature is missing, or no finite number.
            ScorerUnavailable: no scorer, no live model, or the breaker is open.
            ScoringFailed: the answer is of no use.
        """
        self._look()
        live = self._live
        if live is None:
            raise ScorerUnavailable(f"No {self._kind} model is live")
        rows = [_row(values, live.features) for values in features]
        if not rows:
            return Scores([], live.version, live.horizon)
        try:
            values = self._scorer.score(live.model_id, rows)
        except UnknownModel:  # the confined process was replaced
            self._load(live.model_id)
            values = self._scorer.score(live.model_id, rows)
        if len(values) != len(rows):
            raise ScoringFailed("The scorer answered another number of rows")
        return Scores(values, live.version, live.horizon)

    def _look(self) -> None:
        now = self._clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY_SECONDS:
            return
        is_first = self._live is None
        if not self._lock.acquire(blocking=is_first):
            return
        try:
            live_id = self._database.run(
                "find_live_model", lambda s: models.find_live_id(s, self._kind)
            )
            if live_id is None:
                self._live = None
            elif self._live is None or live_id != self._live.model_id:
                self._load(live_id)
            # Nothing live is not remembered: the first model counts from its activation.
            self._looked_at = now if self._live else None
        except (SpotOptimizerError, DatabaseError) as error:
            self._looked_at = now
            if is_first:
                raise
            logger.warning(
                "A new %s model could not be loaded, the old one goes on: %s",
                self._kind,
                error,
                extra={"action": "model_load_failed", "engine_kind": self._kind},
            )
        finally:
            self._lock.release()

    def _load(self, model_id: str) -> None:
        row = self._database.run("find_live_model", lambda s: models.find_live(s, self._kind))
        if row is None or row["id"] != model_id:
            return
        manifest: dict[str, Any] = row["manifest"]
        self._scorer.load(model_id, row["scored_format"], self._content.cached(row), manifest)
        self._live = LiveModel(
            model_id,
            str(row["version"]),
            tuple(manifest["features"]),
            timedelta(minutes=manifest.get("horizon_minutes", HORIZON_MINUTES)),
        )
        logger.info(
            "Scoring with %s %s",
            row["model_name"],
            row["version"],
            extra={
                "action": "model_loaded",
                "engine_kind": self._kind,
                "version": row["version"],
                "sha256": row["scored_sha256"],
            },
        )


def _row(values: Mapping[str, float], features: tuple[str, ...]) -> list[float]:
    try:
        return [float(values[name]) for name in features]
    except KeyError as error:
        raise BadFeatures(f"The model needs the feature {error.args[0]!r}") from None
    except (TypeError, ValueError):
        raise BadFeatures("A feature is no number") from None
