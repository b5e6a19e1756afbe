"""Silent agents are marked offline, with a notification."""

from datetime import timedelta

from backend.jobs.context import JobContext
from backend.services.housekeeping import Housekeeping
from backend.services.runtime_settings import offline_confirm_seconds


def run(context: JobContext) -> int:
    """Return how many agents were marked."""
    return Housekeeping(context.database).mark_stale_agents(
        now=context.now,
        timeout=context.settings.heartbeat_timeout,
        offline_confirm=timedelta(seconds=offline_confirm_seconds(context.settings)),
    )
