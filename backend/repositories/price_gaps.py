"""Gaps in price series that are too long to fill: who was asked about them, and what came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside
from backend.domain.prices import bucket_of

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A grid instant, its price in USD per hour, and when that price had been set."""

    bucket_at: datetime
    price: Decimal
    observed_at: datetime


def list_due_gaps(
    session: Session, *, client_id: str, region: str, now: datetime, limit: int
) -> list[Row]:
    """Return the gaps of a client in one region that somebody may be asked about now."""
    return session.rows(
        _SQL["list_due_gaps"],
        {"client_id": client_id, "region": region, "now": now, "limit": limit},
    )


def claim_ask(
    session: Session, gap: Row, *, client_id: str, agent_id: str, now: datetime, until: datetime
) -> bool:
    """Note that this agent is asked; False when somebody else was faster.

    Args:
        session: Any session.
        gap: As ``list_due_gaps`` returned it.
        client_id: The gap's client.
        agent_id: Who is asked.
        now: The present instant.
        until: Nobody is asked again before.
    """
    params = {
        "gap_id": gap["id"],
        "ask_count": gap["ask_count"],
        "client_id": client_id,
        "agent_id": agent_id,
        "now": now,
        "next_ask_at": until,
    }
    return session.run(_SQL["claim_ask"], params) == 1


def give_up_gaps(session: Session, *, now: datetime, oldest: datetime, most_asks: int) -> int:
    """Abandon gaps that begin before ``oldest``, or were asked for often enough; return how many."""
    return session.run(_SQL["give_up_gaps"], {"now": now, "oldest": oldest, "most_asks": most_asks})


def find_gap(session: Session, client_id: str, gap_id: int) -> Row | None:
    """Return a gap of this client, or None."""
    return session.row(_SQL["find_gap"], {"client_id": client_id, "gap_id": gap_id})


def insert_history(
    session: Session,
    *,
    client_id: str,
    pool_id: int,
    agent_id: str,
    instance_id: str,
    history: Sequence[tuple[datetime, Decimal]],
    now: datetime,
) -> None:
    """Keep the prices of an answer as raw rows (instant, USD per hour). Idempotent."""
    rows = [
        {
            "b": _text(bucket_of(at)),
            "s": f"history@{at.astimezone(UTC):%H%M%S.%f}",
            "c": str(price),
            "t": _text(at),
        }
        for at, price in history
    ]
    session.run(
        _SQL["insert_history"],
        {
            "client_id": client_id,
            "pool_id": pool_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "history": orjson.dumps(rows).decode(),
            "now": now,
        },
    )


def insert_fills(
    session: Session,
    *,
    client_id: str,
    pool_id: int,
    fills: Sequence[HistoryPoint],
    now: datetime,
) -> None:
    """Keep points that history gives; clean points win over them. Idempotent."""
    rows = [
        {"b": _text(fill.bucket_at), "c": str(fill.price), "t": _text(fill.observed_at)}
        for fill in fills
    ]
    session.run(
        _SQL["insert_fills"],
        {
            "client_id": client_id,
            "pool_id": pool_id,
            "fills": orjson.dumps(rows).decode(),
            "now": now,
        },
    )


def record_answer(
    session: Session,
    gap_id: int,
    *,
    answered_from: datetime,
    answered_until: datetime,
    end: tuple[str, str] | None,
    now: datetime,
) -> None:
    """Note the span that was answered and, if it ends the gap, its (status, outcome)."""
    status, outcome = end or (None, None)
    session.run(
        _SQL["record_answer"],
        {
            "gap_id": gap_id,
            "answered_from": answered_from,
            "answered_until": answered_until,
            "status": status,
            "outcome": outcome,
            "now": now,
        },
    )


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
