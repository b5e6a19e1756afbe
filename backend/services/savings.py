"""What was saved, in one number: for lists and cards. All of it is read from the ledger's sums."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Final

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Session
from backend.repositories import savings
from backend.services.expiring_cache import ExpiringCache

MONTH_DAYS: Final = 30
REMEMBERED_SECONDS: Final = 60.0  # of every client; dashboards ask twice a minute
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Saved:
    """USD since ever, and on the last 30 UTC days; negative when more was paid than on-demand."""

    total: float
    last_30_days: float


class Savings:
    """Reads savings up to the last closed hour. Thread-safe; ``by_client`` may be a minute old."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered: ExpiringCache[str, dict[str, Decimal]] = ExpiringCache(clock, capacity=1)

    def by_client(self) -> dict[str, float]:
        """Return USD since ever for each client that has an hour in the ledger."""
        return {client_id: dollars(saved) for client_id, saved in self._totals().items()}

    def in_all(self) -> float:
        """Return USD since ever of all clients together."""
        return dollars(sum(self._totals().values(), NOTHING))

    def of(
        self,
        client_id: str,
        *,
        agent_id: str | None = None,
        instance_id: str | None = None,
    ) -> Saved:
        """Return what one client has saved, or one agent of theirs, or one instance of that."""
        since = first_day(self._clock, MONTH_DAYS)

        def read(session: Session) -> Saved:
            if agent_id is None:
                (total, *_) = [
                    *(row["savings_usd"] for row in savings.list_totals(session, client_id)),
                    NOTHING,
                ]
                recent = savings.sum_client(session, client_id, since=since)
                return Saved(dollars(total), dollars(recent))
            if instance_id is None:
                row = savings.sum_agent(session, client_id, agent_id, since=since)
            else:
                row = savings.sum_instance(session, client_id, agent_id, instance_id, since=since)
            return Saved(dollars(row["total_usd"]), dollars(row["recent_usd"]))

        return self._database.run("read_savings", read)

    def _totals(self) -> dict[str, Decimal]:
        found = self._remembered.get("")
        if found is None:
            rows = self._database.run("list_savings", savings.list_totals)
            found = {row["client_id"]: row["savings_usd"] for row in rows}
            self._remembered.put("", found, seconds=REMEMBERED_SECONDS)
        return found


def first_day(clock: Clock, days: int) -> date:
    """Return the first of the last so many UTC days, today included."""
    return clock.now().astimezone(UTC).date() - timedelta(days=days - 1)


def dollars(amount: Decimal) -> float:
    """Return USD as the wire shows it, rounded half to even to four digits, and only here."""
    return float(round(amount, 4))
