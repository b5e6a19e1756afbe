"""What really happened is written beside the decisions of the last day."""

from backend.engines.host import EngineHost
from backend.jobs.context import JobContext
from backend.services.decisions import Decisions


def run(context: JobContext) -> int:
    """Return how many decisions and risk scores were labelled. Asks no engine."""
    host = EngineHost(context.clock, models_dir=context.settings.ml_models_dir, is_enabled=False)
    return Decisions(context.database, context.clock, host).label_outcomes(now=context.now)
