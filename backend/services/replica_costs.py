"""What standbys cost: one row for each replica and UTC hour, corrected when prices arrive."""

from datetime import datetime, timedelta

from backend.db.database import Database
from backend.repositories import clean_prices, replica_costs

JOB = "log_replica_costs"
HOUR = timedelta(hours=1)
# A run books what it sees; what was committed beside it is seen by the next one.
OVERLAP = timedelta(minutes=10)
CATCH_UP = timedelta(days=31)
CORRECTED_FOR = timedelta(days=7)  # clean points come minutes after the hour, backfills days
HOURS_AT_ONCE = 24  # bounds a transaction


class ReplicaCosts:
    """Books what replicas cost. Idempotent; catches up on every hour since its last run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, *, now: datetime, since: datetime | None = None) -> int:
        """Book every hour since the last finished run, and estimated ones anew.

        Args:
            now: The present instant; the hour that it lies in is booked up to it.
            since: Start from here instead.

        Returns:
            How many rows were written.
        """
        start = since or self._watermark(now)
        hours = set(_hours(start, now))
        hours |= set(
            self._database.run(
                "list_estimated_hours",
                lambda s: replica_costs.list_estimated_hours(s, now - CORRECTED_FOR),
            )
        )
        ordered = sorted(hours)
        count = 0
        for first in range(0, len(ordered), HOURS_AT_ONCE):
            batch = ordered[first : first + HOURS_AT_ONCE]
            count += self._database.run(
                "log_replica_costs",
                lambda s, batch=batch: replica_costs.log_costs(  # type: ignore[misc]
                    s, hours=batch, now=now
                ),
            )
        return count

    def _watermark(self, now: datetime) -> datetime:
        done = self._database.run("find_last_done", lambda s: clean_prices.find_last_done(s, JOB))
        return max(done - OVERLAP, now - CATCH_UP) if done else now - CATCH_UP


def _hours(since: datetime, until: datetime) -> list[datetime]:
    hour = since.replace(minute=0, second=0, microsecond=0)
    hours = []
    while hour < until:
        hours.append(hour)
        hour += HOUR
    return hours
