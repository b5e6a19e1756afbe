"""Prices: read them, and put the report into the outbox."""

from __future__ import annotations

from agent.backend_client.reports import pricing_body
from agent.clock import Clock
from agent.identity import Identity
from agent.outbox import Outbox, Report
from agent.prices import PriceBook
from agent.state import AgentState
from agent.workers.base import Worker


class PriceWorker(Worker):
    """Reports the market while this instance's word is wanted."""

    name = "prices"

    def __init__(
        self,
        interval: float,
        identity: Identity,
        state: AgentState,
        prices: PriceBook,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        super().__init__(interval, clock)
        self._identity = identity
        self._state = state
        self._prices = prices
        self._outbox = outbox

    def tick(self) -> None:
        """Read and report once."""
        if not (self._state.is_registered and self._state.current.may_report):
            return
        reading = self._prices.refresh()
        if not reading.spot and reading.ondemand is None:
            return
        now = self._clock.now()
        zone_ids = self._prices.zone_ids()
        az_ids = {az: zone_ids[az] for az in reading.spot if az in zone_ids}
        body = pricing_body(self._identity, reading.spot, reading.ondemand, az_ids, now)
        self._outbox.put(
            Report(
                key=f"pricing:{now.isoformat()}",
                path="pricing-report",
                body=body,
                is_droppable=True,
            )
        )
