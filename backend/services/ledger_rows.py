"""Rows of the ledger, to the tables and back."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from backend.db.session import Row, Session
from backend.domain.ledger import CostMode, CostRole, CostRow
from backend.domain.ledger_books import Correction
from backend.domain.ledger_prices import Price
from backend.repositories import ledger


def read_booked(
    session: Session, agents: Sequence[str], *, since: datetime, until: datetime
) -> dict[str, list[CostRow]]:
    """Return what the ledger holds of agents in [since, until), by agent."""
    booked: dict[str, list[CostRow]] = defaultdict(list)
    for row in ledger.list_rows(session, agents, since=since, until=until):
        booked[row["agent_id"]].append(_read(row))
    return booked


def write_row(
    agent_id: str, row: CostRow, *, now: datetime, is_correction: bool
) -> dict[str, object]:
    """Return a row with the names of its columns; one that corrects another says when."""
    return {
        "agent_id": agent_id,
        "hour_at": row.hour_at,
        "instance_id": row.instance_id,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "role": row.role.value,
        "mode": row.mode.value,
        "pool_id": row.pool_id,
        "milliseconds": row.milliseconds,
        "price_usd_per_hour": row.price and row.price.usd_per_hour,
        "ondemand_price_usd_per_hour": row.ondemand_price and row.ondemand_price.usd_per_hour,
        "is_free": int(row.is_free),
        "is_estimated": int(row.is_estimated),
        "baseline_usd": row.baseline_usd,
        "cost_usd": row.cost_usd,
        "booked_at": now,
        "corrected_at": now if is_correction else None,
    }


def write_correction(agent_id: str, hour_at: datetime, correction: Correction) -> dict[str, object]:
    """Return a correction with the names of its columns."""
    before, after = correction.before, correction.after
    return {
        "agent_id": agent_id,
        "hour_at": hour_at,
        "reason": correction.reason,
        "old_baseline_usd": before.baseline_usd,
        "old_cost_usd": before.cost_usd,
        "old_unknown_milliseconds": before.unknown_milliseconds,
        "new_baseline_usd": after.baseline_usd,
        "new_cost_usd": after.cost_usd,
        "new_unknown_milliseconds": after.unknown_milliseconds,
    }


def _read(row: Row) -> CostRow:
    is_estimated = bool(row["is_estimated"])
    return CostRow(
        instance_id=row["instance_id"],
        role=CostRole(row["role"]),
        mode=CostMode(row["mode"]),
        pool_id=row["pool_id"],
        hour_at=row["hour_at"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        price=_price(row["price_usd_per_hour"], is_estimated=is_estimated),
        ondemand_price=_price(row["ondemand_price_usd_per_hour"], is_estimated=is_estimated),
        is_free=bool(row["is_free"]),
    )


def _price(usd_per_hour: Decimal | None, *, is_estimated: bool) -> Price | None:
    return None if usd_per_hour is None else Price(usd_per_hour, is_estimated)
