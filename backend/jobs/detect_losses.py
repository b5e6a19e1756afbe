"""Job: primaries that fell silent without a notice are looked after."""

from backend.jobs.context import JobContext
from backend.services.losses import LossDetection


def run(context: JobContext) -> int:
    """Watch once; return how many silences were taken up, looked at again or ended."""
    watched = LossDetection(context.database, context.settings).detect(now=context.now)
    return watched.taken_up + watched.looked_again + watched.heard_again
