"""Clean-up reports: which snapshots and images an agent removed."""

from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.domain.instants import FURTHEST_AHEAD, check_not_after
from backend.errors import NotFound
from backend.repositories import agents, cleanup_logs, events


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """One clean-up run; ``text`` is the report as JSON, what we do not know of it left out."""

    executed_at: datetime | None
    deleted_snapshot_count: int
    deleted_image_count: int
    failed_count: int
    errors: tuple[str, ...]
    text: str


class CleanupReports:
    """Keeps clean-up reports. Idempotent by agent and time of the run."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, client_id: str, agent_id: str, report: CleanupReport) -> None:
        """Keep a report.

        Raises:
            NotFound: the client has no such agent.
            InvalidRequest: the run lies in the future.
        """
        if report.executed_at is not None:
            latest = self._clock.now() + FURTHEST_AHEAD
            check_not_after(report.executed_at, latest, field="timestamp")
        self._database.transact(
            "record_cleanup", lambda tx: self._record(tx, client_id, agent_id, report)
        )

    def _record(
        self, tx: Transaction, client_id: str, agent_id: str, report: CleanupReport
    ) -> None:
        now = self._clock.now()
        executed_at = report.executed_at or now
        agent = agents.find_agent(tx, client_id, agent_id)
        if agent is None:
            raise NotFound("Unknown agent", field="agent_id")
        is_new = cleanup_logs.record_cleanup(
            tx,
            client_id=client_id,
            agent_id=agent_id,
            executed_at=executed_at,
            deleted_snapshot_count=report.deleted_snapshot_count,
            deleted_image_count=report.deleted_image_count,
            failed_count=report.failed_count,
            report=report.text,
            now=now,
        )
        if is_new:
            agents.mark_cleaned_up(tx, client_id, agent_id, executed_at)
            has_trouble = report.failed_count > 0 or report.errors
            events.record_event(
                tx,
                event_type="cleanup_completed",
                severity="warning" if has_trouble else "info",
                message=(
                    f"{agent['logical_agent_id']} removed {report.deleted_snapshot_count} snapshots "
                    f"and {report.deleted_image_count} images; {report.failed_count} failed"
                ),
                details={"errors": report.errors} if report.errors else None,
                client_id=client_id,
                agent_id=agent_id,
                now=now,
            )
        tx.commit()
