"""Job: what standbys cost, by UTC hour."""

from backend.jobs.context import JobContext
from backend.services.replica_costs import ReplicaCosts


def run(context: JobContext) -> int:
    """Return how many rows of replicas and hours were written."""
    return ReplicaCosts(context.database).log(now=context.now)
