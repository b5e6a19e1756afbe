"""What the fleet's records need from time to time, whoever asks for it."""

from datetime import datetime, timedelta

from backend.db.database import Database
from backend.repositories import agent_health, retention, stale_agents

PURGE_ROWS_PER_CALL = 20_000  # about a second of work: far below the read timeout of a connection
PURGE_CALLS = 500  # so one run deletes at most ten million rows


class Housekeeping:
    """Set-based upkeep. Every method is idempotent and returns the rows it touched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark_stale_agents(
        self, *, now: datetime, timeout: timedelta, offline_confirm: timedelta
    ) -> int:
        """Mark the agents offline whose primary is silent; return how many."""
        return self._database.run(
            "mark_stale_agents",
            lambda session: stale_agents.mark_stale_agents(
                session, now=now, timeout=timeout, offline_confirm=offline_confirm
            ),
        )

    def purge_expired(self, *, now: datetime) -> int:
        """Delete what has outlived its retention; return how many rows that were."""
        deleted = 0
        for _ in range(PURGE_CALLS):
            count = self._database.run(
                "purge_expired",
                lambda session: retention.purge_expired(
                    session, now=now, max_rows=PURGE_ROWS_PER_CALL
                ),
            )
            deleted += count
            if count < PURGE_ROWS_PER_CALL:
                break
        return deleted

    def record_agent_health(self, *, bucket_at: datetime, now: datetime) -> int:
        """Write the health row of every agent for the bucket; return how many were missing."""
        return self._database.run(
            "record_agent_health",
            lambda session: agent_health.record_bucket(session, bucket_at=bucket_at, now=now),
        )
