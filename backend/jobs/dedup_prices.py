"""Job: reported prices become one clean point per client, pool and five minutes."""

from backend.jobs.context import JobContext
from backend.services.price_quality import PriceQuality


def run(context: JobContext) -> int:
    """Return how many points were computed."""
    return PriceQuality(context.database).deduplicate(now=context.now)
