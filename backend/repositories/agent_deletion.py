"""The end of an agent. Rows stay: its history is still wanted."""

from datetime import datetime

from backend.db.database import Transaction
from backend.db.statements import beside

_SQL = beside(__file__)


def end_agent(tx: Transaction, agent_id: str, now: datetime) -> int:
    """Mark an agent deleted, void what waits for it, and return how many orders that were.

    What an instance is carrying out already is left to end by itself.
    """
    params = {"agent_id": agent_id, "now": now}
    tx.run(_SQL["mark_deleted"], params)
    tx.run(_SQL["unsettle_instances"], params)
    tx.run(_SQL["fail_waiting_switch"], params)
    return tx.run(_SQL["cancel_pending"], params)
