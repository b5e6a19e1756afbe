"""Decisions as people look at them: agent by agent, with what surrounds them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.repositories import decision_log, decision_views

CALIBRATION = timedelta(days=7)
HISTORY = timedelta(hours=24)
REPORTS = timedelta(hours=1)
FRESH_REPORTS = timedelta(minutes=10)
HEARTBEAT_FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AgentDecisions:
    """One agent, at most five of its decisions of the last day, its reports and its events."""

    agent: Row
    decisions: Sequence[Row]
    reports: Sequence[Row]
    events: Sequence[Row]
    now: datetime

    @property
    def recent_report_count(self) -> int:
        """Price reports of the last ten minutes."""
        return int(self.reports[0]["fresh_count"]) if self.reports else 0

    @property
    def is_heard(self) -> bool:
        """Whether the primary was heard within five minutes."""
        last = self.agent["last_seen_at"]
        return last is not None and self.now - last <= HEARTBEAT_FRESH

    @property
    def is_active(self) -> bool:
        """Whether it reported prices within ten minutes, or was decided about."""
        return self.recent_report_count > 0 or bool(self.decisions)

    @property
    def is_healthy(self) -> bool:
        """Online, heard and active."""
        return self.agent["status"] == "online" and self.is_heard and self.is_active


class DecisionViews:
    """Reads decisions for people. Four statements, whatever the number of agents."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_agents(self, client_id: str, *, limit: int, offset: int) -> list[AgentDecisions]:
        """Return a page of a client's agents, online ones first, then by name."""
        now = self._clock.now()

        def read(session: Session) -> list[AgentDecisions]:
            agents = decision_views.list_agents(session, client_id, limit=limit, offset=offset)
            ids = [row["id"] for row in agents]
            decisions = _grouped(decision_log.list_recent(session, ids, since=now - HISTORY))
            reports = _grouped(
                decision_views.list_reports(
                    session, ids, since=now - REPORTS, fresh_since=now - FRESH_REPORTS
                )
            )
            events = _grouped(decision_views.list_events(session, ids, since=now - HISTORY))
            return [
                AgentDecisions(
                    row, decisions[row["id"]], reports[row["id"]], events[row["id"]], now
                )
                for row in agents
            ]

        return self._database.run("list_agent_decisions", read)

    def list_calibration(self) -> list[Row]:
        """Return what was said of risk in a week and what came of it, by tenths of the score.

        ``tenth``, ``score_count``, ``mean_score`` and ``lost_share``; only instances on spot, and
        only scores whose outcome is known.
        """
        since = self._clock.now() - CALIBRATION
        return self._database.run(
            "list_calibration", lambda s: decision_log.list_calibration(s, since=since)
        )


def _grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["agent_id"]].append(row)
    return groups
