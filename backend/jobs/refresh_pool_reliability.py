"""Job: reliability and risk of the pools in use."""

from backend.jobs.context import JobContext
from backend.services.pool_choice import PoolChoice


def run(context: JobContext) -> int:
    """Return how many pools were looked at, once for each client."""
    return PoolChoice(context.database).refresh(now=context.now)
