"""What the emergency plan of an agent rests on."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_plan_facts(
    session: Session, client_id: str, agent_id: str, *, heard_since: datetime
) -> Row | None:
    """Return the agent with its primary and the replica that stands by, if one does.

    ``heard_since``: a replica of ours that was not heard since then does not stand by.
    """
    return session.row(
        _SQL["find_plan_facts"],
        {"client_id": client_id, "agent_id": agent_id, "heard_since": heard_since},
    )
