"""Rehearsals: what would happen to an agent if its primary were interrupted now."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.session import Row
from backend.domain.commands import NATIVE_PROTOCOL, Priority
from backend.domain.fencing import Role
from backend.domain.freezing import FreezeLevel, strictest
from backend.domain.replica_orders import ReplicaOrder
from backend.domain.replicas import ReplicaStatus
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, NotFound
from backend.repositories import rehearsals, replica_orders
from backend.sef.policy import PROMOTABLE_HEARD, Decision, Signal, Situation, Standby, decide
from backend.services import audit
from backend.services.callers import Actor
from backend.services.interruptions import Interruptions, Notice
from backend.services.placement import Placement
from backend.services.promotion import Promotion

NOTICE = timedelta(minutes=2)
HYPOTHETICAL = "a-ready-replica"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What is rehearsed.

    Attributes:
        signal: As if it came now, for the primary.
        with_replica: As if a replica stood ready, whether or not one does.
        is_executed: A real standby is ordered, or the ready one taken, and really promoted.
    """

    signal: str
    with_replica: bool = False
    is_executed: bool = False


class Rehearsals:
    """Runs the whole decision, marked as a drill. Touches no instance unless told to."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        interruptions: Interruptions,
        promotion: Promotion,
    ) -> None:
        self._database = database
        self._clock = clock
        self._is_sef_on = settings.enable_sef
        self._interruptions = interruptions
        self._promotion = promotion

    def rehearse(self, agent_id: str, rehearsal: Rehearsal, actor: Actor) -> dict[str, Any]:
        """Rehearse, and say what would happen.

        Returns:
            event_id, would (what), reason, and ``executed``: None, or what was really done.

        Raises:
            NotFound: no such agent, or it has no primary.
            Conflict: it is to be executed, and emergencies are switched off for this agent.
        """
        now = self._clock.now()
        subject = self._database.run("find_subject", lambda s: rehearsals.find_subject(s, agent_id))
        if subject is None:
            raise NotFound("Unknown agent, or it has no primary", field="agent_id")
        obstacle = self._obstacle(subject)
        if rehearsal.is_executed and obstacle is not None:
            raise Conflict(f"Nothing is executed: {obstacle}", reason=obstacle)
        self._audit(subject, rehearsal, actor, now)
        handled = self._interruptions.handle(
            subject["client_id"],
            agent_id,
            Notice(
                instance_id=subject["primary_id"],
                signal=Signal(rehearsal.signal),
                notice_key=f"drill:{uuid.uuid4()}",
                noticed_at=now,
                deadline_at=now + NOTICE if rehearsal.signal == Signal.TERMINATION else None,
                is_drill=True,
            ),
        )
        outcome = self._database.run(
            "find_outcome", lambda s: rehearsals.find_outcome(s, handled.event_id)
        )
        would = outcome["reason"] if outcome else handled.plan.reason
        if rehearsal.with_replica:
            decision = self._with_replica(subject, rehearsal, obstacle, now)
            would = f"drill: {decision.act} ({decision.reason})"
        executed = self._execute(subject, now) if rehearsal.is_executed else None
        return {
            "event_id": handled.event_id,
            "is_drill": True,
            "would": would,
            "executed": executed,
        }

    def _obstacle(self, subject: Row) -> str | None:
        levels = (subject["global_freeze"], subject["client_freeze"], subject["agent_freeze"])
        checks = (
            (not self._is_sef_on, "sef_disabled"),
            (not subject["enabled"], "agent_disabled"),
            (strictest(*levels) is FreezeLevel.ALL, "frozen"),
        )
        return next((reason for applies, reason in checks if applies), None)

    @staticmethod
    def _with_replica(
        subject: Row, rehearsal: Rehearsal, obstacle: str | None, now: datetime
    ) -> Decision:
        """Decide as if a replica of ours stood ready beside the primary."""
        standby = Standby(
            replica_id=HYPOTHETICAL,
            status=ReplicaStatus.READY,
            instance_id=HYPOTHETICAL,
            protocol=NATIVE_PROTOCOL,
            is_doomed=False,
            heard_at=now,
            confirmed_at=now,
            created_at=now,
        )
        situation = Situation(
            signal=Signal(rehearsal.signal),
            subject_id=subject["primary_id"],
            subject_role=Role.PRIMARY,
            is_sef_on=obstacle != "sef_disabled",
            is_enabled=bool(subject["enabled"]),
            is_frozen=obstacle == "frozen",
            standbys=[standby],
        )
        return decide(situation, now=now)

    def _execute(self, subject: Row, now: datetime) -> dict[str, Any]:
        """Move the primary for real, as a person's promotion does: nothing is interrupted."""
        client_id, agent_id = subject["client_id"], subject["agent_id"]
        ready = self._database.run(
            "find_standby",
            lambda s: rehearsals.find_standby(s, agent_id, now - PROMOTABLE_HEARD),
        )
        if ready is not None:
            promoted = self._promotion.promote(
                client_id,
                agent_id,
                ready["replica_id"],
                cause=SwitchCause.PROMOTION,
                event_id=None,
                expected_epoch=subject["epoch"],
                deadline_at=None,
                now=now,
            )
            return {
                "action": "promoted",
                "replica_id": ready["replica_id"],
                "new_instance_id": promoted.new_instance_id,
                "epoch": promoted.epoch,
            }
        return self._order(subject, now)

    def _order(self, subject: Row, now: datetime) -> dict[str, Any]:
        is_native = subject["protocol"] >= NATIVE_PROTOCOL

        pools = Placement(self._database, now).pools_for(
            client_id=subject["client_id"],
            region=subject["region"],
            instance_type=subject["instance_type"],
            az=subject["az"],
            mode=subject["mode"],
            taken=frozenset(),
            ondemand_price=subject["ondemand_price_usd_per_hour"],
        )
        order = ReplicaOrder(
            replica_id=str(uuid.uuid4()),
            command_id=str(uuid.uuid4()),
            kind="manual",
            promotes=True,
            event_id=None,
            instance_type=subject["instance_type"],
            region=subject["region"],
            pools=pools,
            allows_ondemand=True,
            protocol=subject["protocol"],
            executor_instance_id=subject["primary_id"] if is_native else None,
            priority=Priority.MANUAL,
            created_by="rehearsal",
            expected_epoch=subject["epoch"],
        )
        serving = self._database.run(
            "order_rehearsal",
            lambda s: replica_orders.request_replica(
                s, subject["client_id"], subject["agent_id"], order, now=now
            ),
        )
        if serving is None:
            raise Conflict("The agent has another primary meanwhile; try again")
        return {
            "action": "ordered",
            "replica_id": serving.replica_id,
            "new_instance_id": serving.instance_id,
            "epoch": serving.epoch,
        }

    def _audit(self, subject: Row, rehearsal: Rehearsal, actor: Actor, now: datetime) -> None:
        details = {
            "signal": rehearsal.signal,
            "with_replica": rehearsal.with_replica,
            "execute": rehearsal.is_executed,
        }
        change = audit.Change(
            "interruption_rehearsed", "agent", subject["agent_id"], subject["client_id"], details
        )
        self._database.run("audit_rehearsal", lambda s: audit.record(s, actor, change, now))
