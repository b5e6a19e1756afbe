"""Sums of the ledger: days of agents, and days, months and running totals of clients."""

from collections.abc import Collection
from datetime import date, datetime

import orjson

from backend.db.database import Transaction
from backend.db.statements import beside

_SQL = beside(__file__)


def roll_up(tx: Transaction, days: Collection[tuple[str, date]], *, now: datetime) -> int:
    """Sum the ledger anew for days of agents, and all that is derived from them. Idempotent.

    Args:
        tx: The transaction that changed the ledger, so that both agree at any instant.
        days: Agents and UTC days.
        now: The present instant.

    Returns:
        How many days of agents were summed.
    """
    told = [{"k": agent_id, "d": day.isoformat()} for agent_id, day in sorted(days)]
    return _call(tx, orjson.dumps(told).decode(), None, now)


def roll_up_since(tx: Transaction, since: date, *, now: datetime) -> int:
    """Sum every day from ``since`` on anew, for every agent; return how many days of agents."""
    return _call(tx, None, since, now)


def _call(tx: Transaction, days: str | None, since: date | None, now: datetime) -> int:
    tx.call(_SQL["rollup_savings"], {"now": now, "days": days, "since": since})
    row = tx.row(_SQL["read_row_count"])
    return int(row["row_count"]) if row else 0
