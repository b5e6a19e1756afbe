"""Rehearsals: what one is made of, and what it was decided to be."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside
from backend.repositories.freezes import GLOBAL_SETTING

_SQL = beside(__file__)


def find_subject(session: Session, agent_id: str) -> Row | None:
    """Return an agent with its primary, None without either."""
    params = {"agent_id": agent_id, "setting": GLOBAL_SETTING}
    return session.row(_SQL["find_subject"], params)


def find_outcome(session: Session, event_id: str) -> Row | None:
    """Return status and reason of an event."""
    return session.row(_SQL["find_outcome"], {"event_id": event_id})


def find_standby(session: Session, agent_id: str, heard_since: datetime) -> Row | None:
    """Return the replica of an agent that may take over this moment."""
    return session.row(_SQL["find_standby"], {"agent_id": agent_id, "heard_since": heard_since})
