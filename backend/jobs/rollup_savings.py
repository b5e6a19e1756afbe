"""Job: the sums of the savings ledger are made anew from its rows."""

from backend.jobs.context import JobContext
from backend.services.ledger_closing import LedgerClosing


def run(context: JobContext) -> int:
    """Return how many days of agents were summed."""
    return LedgerClosing(context.database).roll_up(now=context.now)
