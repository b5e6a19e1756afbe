"""What replicas cost, by UTC hour."""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)
_HOUR = "%Y-%m-%d %H:00:00"


def log_costs(session: Session, *, hours: Sequence[datetime], now: datetime) -> int:
    """Book what replicas cost within the hours that begin then; return how many rows.

    Idempotent: an hour that is in the books already is booked anew.
    """
    text = orjson.dumps([hour.astimezone(UTC).strftime(_HOUR) for hour in hours]).decode()
    return session.run(_SQL["log_costs"], {"hours": text, "now": now})


def list_estimated_hours(session: Session, since: datetime) -> list[datetime]:
    """Return the hours since then whose price was not known for every replica, oldest first."""
    rows = session.rows(_SQL["list_estimated_hours"], {"since": since})
    return [row["hour_at"] for row in rows]
