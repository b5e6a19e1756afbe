"""Job: short gaps between clean prices are filled, long ones recorded."""

from backend.jobs.context import JobContext
from backend.services.price_gaps import PriceGaps
from backend.services.price_quality import PriceQuality


def run(context: JobContext) -> int:
    """Return how many fills and gaps the series that changed have, with the gaps given up."""
    count = PriceQuality(context.database).interpolate(now=context.now)
    gaps = PriceGaps(context.database, context.clock, context.settings)
    return count + gaps.give_up(context.now)
