"""The end of instances: may one be ended, has one ended, does one run that nobody knows."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_retirement_facts(
    session: Session, *, client_id: str, agent_id: str, target_id: str, asker_id: str | None
) -> Row | None:
    """Return the agent's state and the roles of target and asker; None for an unknown agent."""
    return session.row(
        _SQL["find_retirement_facts"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "target_id": target_id,
            "asker_id": asker_id,
        },
    )


def mark_terminated(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    reason: str,
    terminated_at: datetime,
    now: datetime,
) -> bool:
    """Close an instance; False when it is the primary, closed already, or not this agent's."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "reason": reason,
        "terminated_at": terminated_at,
        "now": now,
    }
    return session.run(_SQL["mark_terminated"], params) == 1


def list_open_instances(session: Session, client_id: str, agent_id: str) -> list[Row]:
    """Return the agent's instances that the books do not hold for terminated."""
    return session.rows(_SQL["list_open_instances"], {"client_id": client_id, "agent_id": agent_id})


def has_recent_event(
    session: Session, *, agent_id: str, instance_id: str, event_type: str, since: datetime
) -> bool:
    """Tell whether an event of this type names this instance since then."""
    row = session.row(
        _SQL["has_recent_event"],
        {
            "agent_id": agent_id,
            "instance_id": instance_id,
            "event_type": event_type,
            "since": since,
        },
    )
    return bool(row and row["event_count"])
