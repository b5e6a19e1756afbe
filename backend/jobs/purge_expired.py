"""What has outlived its retention is deleted."""

from backend.jobs.context import JobContext
from backend.services.housekeeping import Housekeeping


def run(context: JobContext) -> int:
    """Return how many rows were deleted."""
    return Housekeeping(context.database).purge_expired(now=context.now)
