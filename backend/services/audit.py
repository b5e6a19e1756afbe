"""Write the audit log, inside the transaction of the change itself: both are kept, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Session
from backend.repositories import audit
from backend.services.callers import Actor


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to what. ``details`` holds no secrets."""

    action: str
    subject_type: str
    subject_id: str | None = None
    client_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def record(session: Session, actor: Actor, change: Change, now: datetime) -> None:
    """Add the audit entry of a change to the open transaction."""
    audit.insert_entry(
        session,
        {
            "actor_type": actor.kind,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "action": change.action,
            "client_id": change.client_id,
            "subject_type": change.subject_type,
            "subject_id": change.subject_id,
            "details": orjson.dumps(change.details).decode() if change.details else None,
            "remote_address": actor.remote_address,
            "request_id": actor.request_id,
            "now": now,
        },
    )
