"""What switching has saved, estimated from the switches: hours times the difference in price.

An instance counts from when it took over until it was last heard as the primary. The figure compares
with the instance before, not with on-demand, and knows no replicas.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from backend.clock import Clock
from backend.db.database import Database
from backend.repositories import savings_estimates
from backend.services.expiring_cache import ExpiringCache

EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
MONTH: Final = timedelta(days=30)
REMEMBERED_SECONDS: Final = 60.0  # a sum over every switch there is; dashboards ask twice a minute
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Saved:
    """USD since ever, and within the last 30 days; negative when switches cost more."""

    total: float
    last_30_days: float


class SavingsEstimates:
    """Sums savings. Thread-safe; totals by client are up to a minute old."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered: ExpiringCache[str, dict[str, Decimal]] = ExpiringCache(clock, capacity=1)

    def by_client(self) -> dict[str, float]:
        """Return USD since ever for each client that has saved or lost something."""
        found = self._remembered.get("")
        if found is None:
            found = self._database.run(
                "sum_savings", lambda s: savings_estimates.sum_savings(s, since=EVER)
            )
            self._remembered.put("", found, seconds=REMEMBERED_SECONDS)
        return {client_id: _dollars(saved) for client_id, saved in found.items()}

    def of(
        self,
        client_id: str,
        *,
        agent_id: str | None = None,
        instance_id: str | None = None,
    ) -> Saved:
        """Return what one client has saved, or one agent or instance of theirs."""

        def saved(since: datetime) -> float:
            sums = self._database.run(
                "sum_savings",
                lambda s: savings_estimates.sum_savings(
                    s,
                    client_id=client_id,
                    agent_id=agent_id,
                    instance_id=instance_id,
                    since=since,
                ),
            )
            return _dollars(sums.get(client_id, NOTHING))

        return Saved(total=saved(EVER), last_30_days=saved(self._clock.now() - MONTH))


def _dollars(amount: Decimal) -> float:
    """Return USD with the four digits that a price per hour can justify."""
    return round(float(amount), 4)
