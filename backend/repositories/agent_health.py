"""The health history of agents: one row per agent and five minutes."""

from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def record_bucket(session: Session, *, bucket_at: datetime, now: datetime) -> int:
    """Write the bucket's row of every agent that has none yet; return how many."""
    return session.run(_SQL["record_bucket"], {"bucket_at": bucket_at, "now": now})
