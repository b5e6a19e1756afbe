"""Replaced hosts that nobody is told to end."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_forgotten_hosts(
    session: Session, *, since: datetime, replaced_before: datetime, asked_since: datetime
) -> list[Row]:
    """Return them, the longest forgotten first.

    Args:
        session: Any session.
        since: Hosts that were replaced earlier are the inventory's.
        replaced_before: Later ones have their time; each agent's own waiting time comes on top.
        asked_since: Who was told to end one since then is given time.
    """
    params = {"since": since, "replaced_before": replaced_before, "asked_since": asked_since}
    return session.rows(_SQL["list_forgotten_hosts"], params)
