"""What really happened is written beside the decisions and predictions of the last day."""

from backend.engines.host import EngineHost
from backend.jobs.context import JobContext
from backend.services.decisions import Decisions
from backend.services.model_predictions import PredictionOutcomes


def run(context: JobContext) -> int:
    """Return how many decisions, risk scores and predictions were labelled. Asks no engine."""
    host = EngineHost(context.clock, models_dir=context.settings.ml_models_dir, is_enabled=False)
    decisions = Decisions(context.database, context.clock, host)
    predictions = PredictionOutcomes(context.database, context.clock)
    return decisions.label_outcomes(now=context.now) + predictions.label(now=context.now)
