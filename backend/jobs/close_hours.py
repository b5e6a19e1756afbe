"""Job: the hours of the savings ledger are closed and corrected."""

from backend.jobs.context import JobContext
from backend.services.ledger_closing import LedgerClosing


def run(context: JobContext) -> int:
    """Return how many hours of agents were written."""
    return LedgerClosing(context.database).close(now=context.now).written
