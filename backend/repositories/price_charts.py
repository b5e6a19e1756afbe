"""Prices of a pool in slots of time, for charts."""

from dataclasses import dataclass
from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A span in slots of equal length; ``until`` itself is outside."""

    since: datetime
    until: datetime
    seconds: int


def list_buckets(session: Session, *, client_id: str, pool_number: int, slots: Slots) -> list[Row]:
    """Return what the client saw, and what several clients agree on, by slot."""
    return session.rows(_SQL["list_buckets"], _params(client_id, pool_number, slots))


def list_filled(session: Session, *, client_id: str, pool_number: int, slots: Slots) -> list[Row]:
    """Return what was filled in for gaps, by slot."""
    return session.rows(_SQL["list_filled"], _params(client_id, pool_number, slots))


def _params(client_id: str, pool_number: int, slots: Slots) -> dict[str, object]:
    return {
        "client_id": client_id,
        "pool_number": pool_number,
        "since": slots.since,
        "until": slots.until,
        "slot_seconds": slots.seconds,
    }
