"""Job: close commands whose lease or time has ended."""

from backend.jobs.context import JobContext
from backend.services.lease_sweep import LeaseSweep


def run(context: JobContext) -> int:
    """Close overdue commands; return how many."""
    return LeaseSweep(context.database).sweep(context.now)
