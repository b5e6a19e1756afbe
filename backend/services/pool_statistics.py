"""Pools over all tenants: what they cost and how risky they are."""

from datetime import timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row
from backend.repositories import pool_statistics
from backend.repositories.pool_statistics import PoolFilter

FRESH = timedelta(hours=1)  # agents report every five minutes; an older price is history


class PoolStatistics:
    """Reads pools whose price is fresh. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def read(
        self,
        *,
        client_id: str | None = None,
        region: str | None = None,
        instance_type: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[list[Row], Row]:
        """Return a page of pools, cheapest first, and the counts of all; None: no filter."""
        wanted = PoolFilter(
            since=self._clock.now() - FRESH,
            client_id=client_id,
            region=region,
            instance_type=instance_type,
        )
        return self._database.run(
            "read_pool_statistics",
            lambda s: (
                pool_statistics.list_pools(s, wanted, limit=limit, offset=offset),
                pool_statistics.count_pools(s, wanted),
            ),
        )
