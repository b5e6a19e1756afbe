"""Findings: what the instance saw that was asked to look at a silent primary."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.interruptions import INTERRUPTION_MACHINE, InterruptionStatus
from backend.errors import Conflict, NotFound
from backend.repositories import events, interruptions
from backend.sef.plans import Plan, PlanAction
from backend.sef.policy import Signal
from backend.services.interruptions import Interruptions, Notice

logger = logging.getLogger(__name__)

InstanceState = Literal["running", "stopped", "terminated", "missing", "unknown"]
ASKED_WITHIN: Final = timedelta(hours=2)  # a look that was asked for earlier proves nothing
_DEAD: Final = frozenset({"stopped", "terminated", "missing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of a finding: the event's status, and what the finder does next."""

    status: str
    plan: Plan


class Findings:
    """Acts on findings. Idempotent: a finding that is told again is answered again."""

    def __init__(self, database: Database, clock: Clock, interruptions: Interruptions) -> None:
        self._database = database
        self._clock = clock
        self._interruptions = interruptions

    def report(
        self,
        client_id: str,
        agent_id: str,
        event_id: str,
        *,
        finder_id: str,
        instance_id: str,
        state: InstanceState,
    ) -> Found:
        """Replace a primary that is confirmed dead; leave one that runs alone, and say so.

        Args:
            client_id: The tenant.
            agent_id: The agent whose primary is silent.
            event_id: The event of that silence.
            finder_id: Who looked: only the holder of the command that asked may tell.
            instance_id: The instance that was looked at.
            state: What it saw.

        Raises:
            NotFound: the agent has no such event.
            Conflict: nobody asked this instance, or it looked at another one.
        """
        event = self._database.run(
            "find_event", lambda s: self._asked(s, client_id, agent_id, event_id, finder_id)
        )
        if event["instance_id"] != instance_id:
            raise Conflict(f"The event is about {event['instance_id']}", field="instance_id")
        self._database.run("note_finding", lambda s: interruptions.note_finding(s, event_id, state))
        if state in _DEAD:
            return self._replace(client_id, agent_id, event, finder_id)
        if state == "running":
            return self._stand_down(client_id, agent_id, event)
        return _nothing_to_do(event, event["status"], "finding_unknown")

    def _asked(
        self, session: Session, client_id: str, agent_id: str, event_id: str, finder_id: str
    ) -> Row:
        event = interruptions.find_event(session, client_id, agent_id, event_id)
        if event is None:
            raise NotFound("Unknown event", field="event_id")
        asked = interruptions.find_asked(
            session,
            client_id=client_id,
            event_id=event_id,
            instance_id=finder_id,
            since=self._clock.now() - ASKED_WITHIN,
        )
        if asked is None:
            raise Conflict("This instance was not asked to look", field="X-Instance-Id")
        return {**event, "asked_as": asked["command_type"]}

    def _replace(self, client_id: str, agent_id: str, event: Row, finder_id: str) -> Found:
        is_rescuer = event["asked_as"] == "rescue"
        handled = self._interruptions.handle(
            client_id,
            agent_id,
            Notice(
                instance_id=event["instance_id"],
                signal=Signal(event["signal_type"]),
                notice_key=event["notice_key"],
                noticed_at=event["noticed_at"],
                is_drill=bool(event["is_drill"]),
                launcher_instance_id=finder_id if is_rescuer else None,
                may_order=is_rescuer,
            ),
        )
        return Found(status=handled.status, plan=handled.plan)

    def _stand_down(self, client_id: str, agent_id: str, event: Row) -> Found:
        """A silent agent on a living instance is an alert, not a failover."""
        now = self._clock.now()
        present = InterruptionStatus(event["status"])
        if present in INTERRUPTION_MACHINE.terminal:
            return _nothing_to_do(event, present, "closed_already")

        def work(session: Session) -> None:
            closed = interruptions.note_decision(
                session,
                event_id=event["id"],
                status=InterruptionStatus.STOOD_DOWN,
                action="none",
                reason="instance_runs",
                replica_id=None,
                ended_at=now,
            )
            if not closed:
                return
            message = f"{event['instance_id']} runs, but its agent is silent"
            events.record_event(
                session,
                event_type="agent_silent",
                severity="warning",
                message=message,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=event["instance_id"],
                now=now,
            )
            events.notify(
                session,
                notification_type="agent_silent",
                severity="warning",
                message=message,
                client_id=client_id,
                agent_id=agent_id,
                now=now,
            )

        self._database.run("stand_down", work)
        return _nothing_to_do(event, InterruptionStatus.STOOD_DOWN, "instance_runs")


def _nothing_to_do(event: Row, status: str, reason: str) -> Found:
    """Answer with a plan all the same: without one an agent of ours takes the answer for broken."""
    plan = Plan(
        action=PlanAction.MONITOR,
        event_id=event["id"],
        old_instance_id=event["instance_id"],
        epoch=event["epoch"],
        reason=reason,
    )
    return Found(status=status, plan=plan)
