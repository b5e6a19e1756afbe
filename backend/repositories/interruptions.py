"""Interruption events: signals, written before anybody acts on them and closed after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def record_interruption(
    session: Session, params: Params
) -> tuple[Row, list[Row], Row | None] | None:
    """Write a signal down, or join its event; return what the decision rests on.

    The parameters are those of the procedure. Needs an autocommit session: it is sealed.

    Returns:
        The event with its agent and instance, the live replicas, the open switch's successor; None
        when the client has no such agent or the agent no such instance.
    """
    sets = session.call(_SQL["record_interruption"], params)
    if not sets:
        return None
    first, standbys, *others = sets
    successors = others[0] if others else []
    return first[0], standbys, successors[0] if successors else None


def note_decision(
    session: Session,
    *,
    event_id: str,
    status: str,
    action: str,
    reason: str,
    replica_id: str | None,
    ended_at: datetime | None,
) -> bool:
    """Write what is done about an open event; False when it is closed already."""
    params = {
        "event_id": event_id,
        "status": status,
        "action": action,
        "reason": reason[:255],
        "replica_id": replica_id,
        "ended_at": ended_at,
    }
    return session.run(_SQL["note_decision"], params) == 1


def note_finding(session: Session, event_id: str, finding: str) -> None:
    """Write what was found when somebody looked at the silent instance."""
    session.run(_SQL["note_finding"], {"event_id": event_id, "finding": finding})


def choose_replica(session: Session, *, agent_id: str, replica_id: str, event_id: str) -> bool:
    """Make a replica that is on its way the one that takes over; False if it no longer can."""
    params = {"agent_id": agent_id, "replica_id": replica_id, "event_id": event_id}
    return session.run(_SQL["choose_replica"], params) == 1


def find_launches(session: Session, *, client_id: str, agent_id: str, since: datetime) -> Row:
    """Return the launches that budgets count."""
    rows = session.rows(
        _SQL["find_launches"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "since": since,
        },
    )
    return rows[0]


def find_asked(
    session: Session, *, client_id: str, event_id: str, instance_id: str, since: datetime
) -> Row | None:
    """Return the command by which this instance was asked to look, while it holds it."""
    return session.row(
        _SQL["find_asked"],
        {
            "client_id": client_id,
            "event_id": event_id,
            "instance_id": instance_id,
            "since": since,
        },
    )


def find_event(session: Session, client_id: str, agent_id: str, event_id: str) -> Row | None:
    """Return one event of an agent."""
    return session.row(
        _SQL["find_event"], {"client_id": client_id, "agent_id": agent_id, "event_id": event_id}
    )


def record_termination(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str | None,
    reason: str,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write down that a host said that it ends."""
    session.run(
        _SQL["record_termination"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "reason": reason[:255],
            "details": orjson.dumps(dict(details)).decode() if details else None,
            "now": now,
        },
    )


def has_recent_termination(
    session: Session, *, agent_id: str, instance_id: str | None, since: datetime
) -> bool:
    """Tell whether this end was told already."""
    params = {"agent_id": agent_id, "instance_id": instance_id, "since": since}
    row = session.row(_SQL["has_recent_termination"], params)
    return bool(row and row["event_count"])
