"""One health row per agent and five minutes."""

from backend.jobs.context import JobContext
from backend.services.housekeeping import Housekeeping


def run(context: JobContext) -> int:
    """Return how many rows were written."""
    return Housekeeping(context.database).record_agent_health(
        bucket_at=context.slot_start, now=context.now
    )
