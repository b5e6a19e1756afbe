"""What pools went through in the last days, as each client knows it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from backend.db.session import Row
from backend.sef.pools import CooldownReason
from backend.sef.risk import FEWEST_WITNESSES
from decision_engines.trouble import Trouble, TroubleLog


class PoolTroubles:
    """Each client's own losses and refused launches, and the losses that two clients met."""

    def __init__(self, rows: Iterable[Row], now: datetime) -> None:
        """Take rows with ``pool_id``, ``client_id``, ``reason`` and ``occurred_at``, ascending."""
        self._now = now
        self._rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
        witnesses: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            self._rows[int(row["pool_id"])].append(row)
            if row["reason"] == CooldownReason.INTERRUPTION:
                witnesses[int(row["pool_id"])].add(row["client_id"])
        self._shared = {
            pool for pool, clients in witnesses.items() if len(clients) >= FEWEST_WITNESSES
        }

    def of(self, client_id: str, pool_number: int) -> Trouble:
        """Describe a pool for a client; calm when nothing is known of it."""
        is_shared = pool_number in self._shared
        log = TroubleLog()
        for row in self._rows.get(pool_number, ()):
            is_loss = row["reason"] == CooldownReason.INTERRUPTION
            if row["client_id"] == client_id or (is_shared and is_loss):
                log.add(row["occurred_at"])
        return log.at(self._now)
