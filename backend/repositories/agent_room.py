"""What the page of one agent lists: decisions, commands, switches, interruptions, events."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_decisions(session: Session, agent_id: str, *, limit: int) -> list[Row]:
    """Return the newest decisions; ``reasons`` and ``guard_reasons`` are JSON text."""
    return session.rows(_SQL["list_decisions"], {"agent_id": agent_id, "limit": limit})


def list_commands(session: Session, agent_id: str, *, limit: int) -> list[Row]:
    """Return the newest commands, open ones first."""
    return session.rows(_SQL["list_commands"], {"agent_id": agent_id, "limit": limit})


def list_switches(session: Session, agent_id: str, *, since: datetime, limit: int) -> list[Row]:
    """Return the switches that were requested since an instant, the youngest first."""
    params = {"agent_id": agent_id, "since": since, "limit": limit}
    return session.rows(_SQL["list_switches"], params)


def list_interruptions(
    session: Session, agent_id: str, *, since: datetime, limit: int
) -> list[Row]:
    """Return the interruptions since an instant, drills among them, the youngest first."""
    params = {"agent_id": agent_id, "since": since, "limit": limit}
    return session.rows(_SQL["list_interruptions"], params)


def list_events(session: Session, agent_id: str, *, limit: int) -> list[Row]:
    """Return the newest events."""
    return session.rows(_SQL["list_events"], {"agent_id": agent_id, "limit": limit})


def list_instances(session: Session, agent_id: str, *, limit: int) -> list[Row]:
    """Return the instances, those that run first."""
    return session.rows(_SQL["list_instances"], {"agent_id": agent_id, "limit": limit})


def find_owner(session: Session, agent_id: str) -> Row | None:
    """Return the agent's client, and since when its identity is in doubt."""
    return session.row(_SQL["find_owner"], {"agent_id": agent_id})
