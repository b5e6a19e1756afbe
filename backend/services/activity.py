"""What happened in the fleet, and who did what."""

from typing import Any

import orjson

from backend.db.database import Database
from backend.db.session import Row
from backend.repositories import activity


class Activity:
    """Reads events and the audit log. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, client_id: str | None, *, limit: int) -> list[Row]:
        """Return the newest events that are no errors; None tenant: every tenant's."""
        return self._database.run(
            "list_activity",
            lambda s: activity.list_activity(s, client_id=client_id, limit=limit),
        )

    def audit_log(
        self,
        *,
        client_id: str | None = None,
        action: str | None = None,
        subject_id: str | None = None,
        before_id: int | None = None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Return audit entries, newest first; ``before_id`` continues below an earlier page."""
        rows = self._database.run(
            "list_audit_entries",
            lambda s: activity.list_audit_entries(
                s,
                client_id=client_id,
                action=action,
                subject_id=subject_id,
                before_id=before_id,
                limit=limit,
            ),
        )
        return [
            {**row, "details": orjson.loads(row["details"]) if row["details"] else None}
            for row in rows
        ]
