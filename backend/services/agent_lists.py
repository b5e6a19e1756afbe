"""Agents for people: lists by sign of life, the health of all, and the figures of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import NotFound
from backend.repositories import agent_lists, agent_settings
from backend.services.savings import Savings

DAY = timedelta(days=1)
REPORTS_WITHIN = timedelta(minutes=10)  # agents report prices every five minutes


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows; ``total`` counts all pages."""

    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """What is known of one agent's work."""

    switches: Sequence[Row]
    health: Row
    price_reports: Row
    saved: float
    saved_last_30_days: float
    since: datetime


class AgentLists:
    """Reads agents. ``client_id`` None means every tenant (operators). Thread-safe."""

    def __init__(
        self, database: Database, clock: Clock, savings: Savings, silence_seconds: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._savings = savings
        self._silence_seconds = silence_seconds

    def page(self, client_id: str | None, **wanted: Any) -> Listed:
        """Return a page of agents, those heard last first.

        Args:
            client_id: The tenant; None for every tenant.
            **wanted: As ``repositories.agent_lists.list_agents`` takes them.
        """

        def read(session: Session) -> Listed:
            counted = {
                name: wanted[name] for name in ("status", "include_deleted") if name in wanted
            }
            return Listed(
                agent_lists.list_agents(session, client_id=client_id, **wanted),
                agent_lists.count_agents(session, client_id=client_id, **counted),
            )

        return self._database.run("list_agents_by_heartbeat", read)

    def health(self, client_id: str | None, *, limit: int, offset: int) -> tuple[Listed, Row]:
        """Return a page of agents, and how many are in which state."""
        return self.page(client_id, limit=limit, offset=offset), self.states(client_id)

    def states(self, client_id: str | None) -> Row:
        """Return how many agents are in which state; None counts every tenant's."""
        silent_before = self._clock.now() - timedelta(seconds=self._silence_seconds)
        return self._database.run(
            "count_health",
            lambda s: agent_lists.count_health(s, client_id=client_id, silent_before=silent_before),
        )

    def figures(self, client_id: str | None, agent_id: str) -> AgentFigures:
        """Return an agent's switches, vitals of the last day, price reports and savings.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
        """
        now = self._clock.now()

        def read(session: Session) -> tuple[str, Sequence[Row], Row, Row]:
            known = agent_settings.find_config(session, client_id, agent_id)
            if known is None:
                raise NotFound("Unknown agent", field="agent_id")
            return (
                known["client_id"],
                agent_lists.count_switches(session, agent_id),
                agent_lists.summarise_health(
                    session, agent_id, since=now - DAY, silent_seconds=self._silence_seconds
                ),
                agent_lists.count_price_reports(session, agent_id, since=now - REPORTS_WITHIN),
            )

        owner, switches, health, reports = self._database.run("read_agent_figures", read)
        saved = self._savings.of(owner, agent_id=agent_id)
        return AgentFigures(
            switches=switches,
            health=health,
            price_reports=reports,
            saved=saved.total,
            saved_last_30_days=saved.last_30_days,
            since=now - DAY,
        )
