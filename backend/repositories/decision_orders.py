"""Decisions that become switches, many in one transaction."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.database import Transaction
from backend.db.session import Row
from backend.db.statements import beside

_SQL = beside(__file__)


def order_switches(
    tx: Transaction, orders: Sequence[Row], *, now: datetime, expires_at: datetime
) -> dict[str, str]:
    """Open switches with their commands; return the command of each agent that has one.

    An agent that is no longer as it was judged is passed over. Idempotent by each order's key: a
    repeat writes nothing and returns the earlier commands. Locks instances, then switches and
    commands.

    Raises:
        UniqueViolation: another writer opened a switch of one of these agents meanwhile.
    """
    text = orjson.dumps(orders).decode()
    tx.run(_SQL["tell_news"], {"orders": text})
    tx.run(_SQL["insert_switches"], {"orders": text, "now": now})
    tx.run(_SQL["insert_commands"], {"orders": text, "now": now, "expires_at": expires_at})
    tx.run(_SQL["insert_events"], {"orders": text, "now": now})
    rows = tx.rows(_SQL["list_ordered"], {"orders": text})
    return {row["agent_id"]: row["command_id"] for row in rows}
