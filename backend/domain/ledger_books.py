"""What is in the books against what is known now: which hours of agents change, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.domain.ledger import CostRow, Totals, add_up

CorrectionReason = Literal["price", "timeline"]  # a price came in; other hosts, roles or times


@dataclass(frozen=True, slots=True)
class Correction:
    """An hour that had been booked differently.

    Attributes:
        reason: What has become known.
        before: Sums of the old rows.
        after: Sums of the new rows.
    """

    reason: CorrectionReason
    before: Totals
    after: Totals


@dataclass(frozen=True, slots=True)
class Change:
    """One hour of an agent that must be written.

    Attributes:
        hour_at: The UTC hour.
        rows: What it holds from now on; empty when nothing ran after all.
        correction: None for an hour that is booked for the first time.
    """

    hour_at: datetime
    rows: Sequence[CostRow]
    correction: Correction | None


def compare(
    booked: Iterable[CostRow], known: Iterable[CostRow], *, closed_before: datetime
) -> list[Change]:
    """Return the hours of one agent whose rows differ, oldest first.

    Args:
        booked: What the ledger holds within a span of hours.
        known: What it would hold if it were written now.
        closed_before: Hours before this instant are closed: rows that appear there are corrections.
    """
    old, new = _by_hour(booked), _by_hour(known)
    changes = []
    for hour_at in sorted(old.keys() | new.keys()):
        before, after = old.get(hour_at, []), new.get(hour_at, [])
        if [_form(row) for row in before] == [_form(row) for row in after]:
            continue
        is_closed = bool(before) or hour_at < closed_before
        correction = Correction(_reason(before, after), add_up(before), add_up(after))
        changes.append(Change(hour_at, after, correction if is_closed else None))
    return changes


def _reason(before: Sequence[CostRow], after: Sequence[CostRow]) -> CorrectionReason:
    return "price" if _spans(before) == _spans(after) else "timeline"


def _spans(rows: Sequence[CostRow]) -> Mapping[tuple[object, ...], int]:
    spans: dict[tuple[object, ...], int] = {}
    for row in rows:
        key = (row.instance_id, row.role, row.mode, row.pool_id, row.is_free)
        spans[key] = spans.get(key, 0) + row.milliseconds
    return spans


def _form(row: CostRow) -> tuple[object, ...]:
    """What a row looks like in the books, which say of both its prices at once if one is a guess."""
    return (
        row.instance_id,
        row.starts_at,
        row.ends_at,
        row.role,
        row.mode,
        row.pool_id,
        row.price and row.price.usd_per_hour,
        row.ondemand_price and row.ondemand_price.usd_per_hour,
        row.is_free,
        row.is_estimated,
    )


def _by_hour(rows: Iterable[CostRow]) -> dict[datetime, list[CostRow]]:
    hours: dict[datetime, list[CostRow]] = {}
    for row in rows:
        hours.setdefault(row.hour_at, []).append(row)
    return {
        hour: sorted(rows, key=lambda row: (row.starts_at, row.instance_id))
        for hour, rows in hours.items()
    }
