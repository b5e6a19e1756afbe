"""Job: hosts that were replaced and still run are ended, or told of."""

from backend.jobs.context import JobContext
from backend.services.forgotten_hosts import ForgottenHosts


def run(context: JobContext) -> int:
    """Settle them; return how many were found."""
    return ForgottenHosts(context.database).settle(context.now)
