"""System events (the log of the fleet) and notifications (what somebody should see)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)
_MESSAGE_LENGTH = 500  # characters, as the column


def record_event(
    session: Session,
    *,
    event_type: str,
    message: str,
    now: datetime,
    severity: str = "info",
    client_id: str | None = None,
    agent_id: str | None = None,
    instance_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one event; severity is info, warning or error."""
    session.run(
        _SQL["record_event"],
        {
            "event_type": event_type,
            "severity": severity,
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "message": message[:_MESSAGE_LENGTH],
            "details": orjson.dumps(details).decode() if details else None,
            "now": now,
        },
    )


def notify(
    session: Session,
    *,
    notification_type: str,
    message: str,
    now: datetime,
    severity: str = "info",
    client_id: str | None = None,
    agent_id: str | None = None,
) -> None:
    """Write one notification; severity is info, warning or error."""
    session.run(
        _SQL["notify"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "notification_type": notification_type,
            "severity": severity,
            "message": message[:_MESSAGE_LENGTH],
            "now": now,
        },
    )
