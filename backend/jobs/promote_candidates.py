"""Job: waiting instances take the place of primaries that fell silent."""

from backend.jobs.context import JobContext
from backend.services.succession import Succession


def run(context: JobContext) -> int:
    """Appoint waiting successors and sole candidates; return how many."""
    return Succession(context.database).appoint_waiting(
        now=context.now, silence=context.settings.heartbeat_timeout
    )
