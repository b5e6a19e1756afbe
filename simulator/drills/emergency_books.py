"""Reads what the backend has written down about emergencies, straight from its database."""

from datetime import datetime

from backend.db.database import Database
from backend.db.session import Session
from backend.db.statements import beside
from simulator.drills.emergency_evidence import (
    EmergencyBooks,
    EventEntry,
    NotificationEntry,
    ReplicaEntry,
)

_SQL = beside(__file__)


class EmergencyReader:
    """Reads one client's emergencies."""

    def __init__(self, database: Database, client_id: str) -> None:
        self._database = database
        self._who = {"client_id": client_id}

    def read(self) -> EmergencyBooks:
        """Return the books as they are now."""

        def work(session: Session) -> EmergencyBooks:
            rows = {
                name: session.rows(_SQL[f"list_{name}"], self._who)
                for name in ("events", "replicas", "notifications")
            }
            return EmergencyBooks(
                events=[EventEntry(**row) for row in rows["events"]],
                replicas=[ReplicaEntry(**row) for row in rows["replicas"]],
                notifications=[NotificationEntry(**row) for row in rows["notifications"]],
            )

        return self._database.run("read_emergencies", work)

    def agents_with_replica(self, status: str) -> int:
        """Return how many agents have a standby instance in this state."""
        return self._count("count_replicas", "agents", {"status": status})

    def open_events(self) -> int:
        """Return how many signals are not answered for good."""
        return self._count("count_open_events", "events", {})

    def priced_primaries(self) -> int:
        """Return how many primaries have reported prices: pools are chosen by them."""
        return self._count("count_priced", "instances", {})

    def set_manual_mode(self, now: datetime, *, is_on: bool, agent_id: str | None = None) -> None:
        """Switch the standing standby of one agent, or of every agent, on or off."""
        params = {**self._who, "is_on": is_on, "now": now, "agent_id": agent_id}
        self._database.run(
            "set_manual_mode", lambda session: session.run(_SQL["set_manual_mode"], params)
        )

    def age_launches(self, then: datetime) -> None:
        """Let every launch that is done lie at least so far back: budgets count the last hour."""
        params = {**self._who, "then": then}
        self._database.run(
            "age_launches", lambda session: session.run(_SQL["age_launches"], params)
        )

    def _count(self, statement: str, column: str, more: dict[str, str]) -> int:
        row = self._database.run(
            statement, lambda session: session.row(_SQL[statement], {**self._who, **more})
        )
        return int(row[column]) if row else 0
