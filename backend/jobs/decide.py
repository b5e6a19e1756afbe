"""Every agent that engines may move is decided about, in one batch."""

from backend.config import Settings
from backend.engines.breaker import Breaker
from backend.engines.host import EngineHost
from backend.engines.live_hazard import LiveHazard
from backend.engines.model_bytes import ModelBytes
from backend.engines.model_scoring import ModelScoring
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.jobs.context import JobContext
from backend.services.decisions import Decisions
from backend.services.engine_choice import EngineChoice, build_host
from backend.services.model_predictions import ModelPredictions


class DecideJob:
    """Keeps the engine, and the breaker before it, from one run to the next in this process."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._host: EngineHost | None = None
        self._choice: EngineChoice | None = None
        self._predictions: ModelPredictions | None = None

    def __call__(self, context: JobContext) -> int:
        """Return how many agents were decided about."""
        host = self._prepared(context)
        decisions = Decisions(context.database, context.clock, host, self._predictions)
        return decisions.decide_fleet(now=context.now).decided

    def _prepared(self, context: JobContext) -> EngineHost:
        if self._host is None or self._settings != context.settings:
            self._host = self._new_host(context)
            self._settings = context.settings
            self._choice = None
        if self._choice is None:
            self._choice = EngineChoice(
                context.database, context.clock, context.settings, self._host
            )
        self._choice.follow()
        return self._host

    def _new_host(self, context: JobContext) -> EngineHost:
        settings, clock, database = context.settings, context.clock, context.database
        scorer = ScorerClient(settings.scorer_socket, Breaker(clock))
        content = ModelBytes(database, settings.ml_models_dir)
        scoring = ModelScoring(database, clock, content, scorer)
        self._predictions = ModelPredictions(database, scoring)
        return build_host(settings, clock, LiveHazard(scoring))


run = DecideJob()
