"""Signals: written down, decided, acted upon and answered with a plan, in one call."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import Conflict, NotFound
from backend.repositories import events, interruptions
from backend.sef.plans import Plan, PlanAction
from backend.sef.policy import Act, Decision, Signal, decide
from backend.sef.pools import CooldownReason
from backend.sef.restraint import REMEMBERED
from backend.sef.snapshots import situation_of
from backend.services.replacements import Case, Replacements, plan_for, promote_standby
from backend.services.storm_placement import StormPlacement

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 8  # compare-and-set rounds; each lost round means that somebody else moved
JOIN_WITHIN: Final = timedelta(minutes=10)  # of notices that carry nothing to tell them apart
_COOLING = {
    Signal.REBALANCE: CooldownReason.REBALANCE,
    Signal.TERMINATION: CooldownReason.INTERRUPTION,
    Signal.LOSS: CooldownReason.INTERRUPTION,
}
_WORDS = {
    Signal.REBALANCE: "is at elevated risk of interruption",
    Signal.TERMINATION: "will be interrupted",
    Signal.LOSS: "was lost without notice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A signal as it came in.

    Attributes:
        instance_id: The instance that it concerns.
        signal: What was noticed.
        notice_key: Tells this notice from others of the same kind; None when nothing does.
        noticed_at: When the host saw it.
        deadline_at: When EC2 takes the instance, if that is known.
        is_drill: A rehearsal: written down and decided, but nothing is touched.
        event_id: The id for a new event; None for a fresh one.
        launcher_instance_id: Who launches a replacement; None for the noticed primary itself.
        may_order: Whether a replica can be ordered that the sender would ever launch.
    """

    instance_id: str
    signal: Signal
    notice_key: str | None
    noticed_at: datetime
    deadline_at: datetime | None = None
    is_drill: bool = False
    event_id: str | None = None
    launcher_instance_id: str | None = None
    may_order: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of a signal. ``is_ordered``: this very call ordered a replica."""

    event_id: str
    status: str
    role: str
    epoch: int
    plan: Plan
    is_ordered: bool = False


class Interruptions:
    """Handles signals. Idempotent per notice: a repeat gets the plan as it stands now."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._is_sef_on = settings.enable_sef
        self._replacements = Replacements(StormPlacement(clock))

    def handle(self, client_id: str, agent_id: str, notice: Notice) -> Handled:
        """Record a signal, act on it and say what the host that asks has to do.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
            Conflict: the agent kept changing meanwhile; the signal is on record.
        """
        for _ in range(ATTEMPTS):
            handled = self._database.run(
                "handle_interruption",
                lambda session: self._attempt(session, client_id, agent_id, notice),
            )
            if handled is not None:
                return handled
        raise Conflict("The agent is changing too fast; report again", retry_after_seconds=1)

    def _attempt(
        self, session: Session, client_id: str, agent_id: str, notice: Notice
    ) -> Handled | None:
        now = self._clock.now()
        found = interruptions.record_interruption(
            session, _parameters(client_id, agent_id, notice, now)
        )
        if found is None:
            raise NotFound("Unknown agent or instance", field="instance_id")
        row, replicas, successor = found
        situation = situation_of(
            row,
            replicas,
            successor,
            subject_id=notice.instance_id,
            is_sef_on=self._is_sef_on,
        )
        case = Case(
            client_id=client_id,
            agent_id=agent_id,
            subject_id=notice.instance_id,
            signal=notice.signal,
            row=row,
            replicas=replicas,
            successor=successor,
            launcher_instance_id=notice.launcher_instance_id,
            may_order=notice.may_order,
        )
        if row["is_new"]:
            _log_notice(agent_id, notice, row)
        decision = decide(situation, now=now)
        if notice.signal is Signal.REBALANCE and row["status"] == "stood_down":
            # This very recommendation came to nothing; only another one begins anew.
            decision = Decision(act=Act.MONITOR, reason="stood_down")
        if notice.is_drill:
            return _rehearsed(session, case, decision, now)
        return self._act(session, case, decision, now)

    def _act(
        self, session: Session, case: Case, decision: Decision, now: datetime
    ) -> Handled | None:
        match decision.act:
            case Act.PROMOTE | Act.ADOPT:
                return _promote(session, case, decision, now)
            case Act.AWAIT:
                return self._await(session, case, decision, now)
            case Act.ORDER:
                return self._order(session, case, decision, now)
            case Act.NOTHING | Act.RECORD:
                return _close(session, case, decision, now)
            case Act.CONFIRM | Act.MONITOR:
                is_done = decision.act is Act.CONFIRM
                action = PlanAction.HAND_OVER if is_done else PlanAction.MONITOR
                return _noted(session, case, decision, plan_for(case, action, decision))

    @staticmethod
    def _await(session: Session, case: Case, decision: Decision, now: datetime) -> Handled | None:
        replica = case.replica(decision.replica_id)
        is_chosen = replica["status"] == "promoting" and replica["event_id"] == case.event_id
        if not is_chosen and not interruptions.choose_replica(
            session,
            agent_id=case.agent_id,
            replica_id=replica["id"],
            event_id=case.event_id,
        ):
            return None
        plan = Replacements.plan_for_waiting(session, case, decision, now=now)
        return _noted(session, case, decision, plan)

    def _order(
        self, session: Session, case: Case, decision: Decision, now: datetime
    ) -> Handled | None:
        if not case.may_order:
            unserved = Decision(act=Act.MONITOR, reason="no_vehicle")
            plan = plan_for(case, PlanAction.MONITOR, unserved)
            return _noted(session, case, unserved, plan)
        obstacle = self._replacements.obstacle(session, case, now=now)
        if obstacle is not None:
            return _stopped(session, case, decision, obstacle, now)
        ordered = self._replacements.order(session, case, decision, now=now)
        if ordered is None:
            return None  # somebody else moved the agent, or ordered: look again
        noted = _noted(session, case, decision, ordered)
        _tell(
            session,
            case,
            "replacement_ordered",
            "warning",
            f"A replica of {case.row['logical_agent_id']} is ordered ({decision.reason}): "
            f"{', '.join(ordered.pools[:3]) or 'on-demand'}",
            now,
        )
        return Handled(
            event_id=noted.event_id,
            status=noted.status,
            role=noted.role,
            epoch=noted.epoch,
            plan=noted.plan,
            is_ordered=True,
        )


def _parameters(client_id: str, agent_id: str, notice: Notice, now: datetime) -> dict[str, object]:
    key = notice.notice_key
    return {
        "now": now,
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": notice.instance_id,
        "event_id": notice.event_id or str(uuid.uuid4()),
        "signal_type": notice.signal,
        "notice_key": f"drill:{key}" if notice.is_drill and key else key,
        # A tilde marks a key that no message carried.
        "own_key": f"~drill:{now.isoformat()}" if notice.is_drill else f"~{now.isoformat()}",
        "join_since": now - JOIN_WITHIN,
        "noticed_at": notice.noticed_at,
        "deadline_at": notice.deadline_at,
        "is_drill": notice.is_drill,
        "cools_until": now + _COOLING[notice.signal].duration,
        "back_off_since": now - REMEMBERED,
        "message": f"{notice.instance_id} {_WORDS[notice.signal]}",
    }


def _rehearsed(session: Session, case: Case, decision: Decision, now: datetime) -> Handled:
    """Say what would be done, and close the event: nothing was touched."""
    interruptions.note_decision(
        session,
        event_id=case.event_id,
        status="stood_down",
        action=PlanAction.MONITOR,
        reason=f"drill: {decision.act} ({decision.reason})",
        replica_id=None,
        ended_at=now,
    )
    return _handled(case, plan_for(case, PlanAction.MONITOR, decision), "stood_down")


def _promote(session: Session, case: Case, decision: Decision, now: datetime) -> Handled | None:
    promoted = promote_standby(session, case, decision, now=now)
    if promoted is None:
        return None
    plan = plan_for(case, PlanAction.HAND_OVER, decision, promoted=promoted)
    return _handled(case, plan, "failed_over", role="superseded")


def _close(session: Session, case: Case, decision: Decision, now: datetime) -> Handled:
    """Nobody acts, by order or because the instance embodies nobody: said, and done."""
    is_off = decision.act is Act.NOTHING
    action = PlanAction.NONE if is_off else PlanAction.MONITOR
    status = "unhandled" if is_off else "stood_down"
    is_closed_now = interruptions.note_decision(
        session,
        event_id=case.event_id,
        status=status,
        action=action,
        reason=decision.reason,
        replica_id=None,
        ended_at=now,
    )
    if is_closed_now and status == "unhandled":
        _tell(
            session,
            case,
            "interruption_unhandled",
            "error",
            f"{case.subject_id} of {case.row['logical_agent_id']} {_WORDS[case.signal]}, "
            f"and nothing is done about it: {decision.reason}",
            now,
        )
    return _handled(
        case,
        plan_for(case, action, decision),
        status if is_closed_now else case.row["status"],
    )


def _stopped(
    session: Session, case: Case, decision: Decision, obstacle: str, now: datetime
) -> Handled:
    """A budget forbids the launch: somebody has to know, once."""
    if case.row["reason"] != obstacle:
        _tell(
            session,
            case,
            "launch_budget_exceeded",
            "error",
            f"No replica is launched for {case.row['logical_agent_id']}: {obstacle}",
            now,
        )
    is_urgent = decision.promotes
    stopped = Decision(act=Act.MONITOR, reason=obstacle)
    plan = plan_for(case, PlanAction.AWAIT if is_urgent else PlanAction.MONITOR, stopped)
    return _noted(session, case, stopped, plan)


def _noted(session: Session, case: Case, decision: Decision, plan: Plan) -> Handled:
    """Write the decision into the event unless it says so already."""
    row = case.row
    if row["committed_at"] is not None or row["status"] == "stood_down":
        return _handled(case, plan, row["status"])
    status = "responding" if row["status"] == "detected" else row["status"]
    present = (row["status"], row["action"], row["reason"], row["replica_id"])
    wanted = (status, plan.action, decision.reason, plan.replica_id or row["replica_id"])
    if present != wanted:
        interruptions.note_decision(
            session,
            event_id=case.event_id,
            status=status,
            action=plan.action,
            reason=decision.reason,
            replica_id=plan.replica_id,
            ended_at=None,
        )
    return _handled(case, plan, status)


def _handled(case: Case, plan: Plan, status: str, *, role: str | None = None) -> Handled:
    return Handled(
        event_id=case.event_id,
        status=status,
        role=role or case.row["role"],
        epoch=plan.epoch,
        plan=plan,
    )


def _tell(
    session: Session, case: Case, what: str, severity: str, message: str, now: datetime
) -> None:
    events.record_event(
        session,
        event_type=what,
        severity=severity,
        message=message,
        client_id=case.client_id,
        agent_id=case.agent_id,
        instance_id=case.subject_id,
        details={"event_id": case.event_id},
        now=now,
    )
    events.notify(
        session,
        notification_type=what,
        severity=severity,
        message=message,
        client_id=case.client_id,
        agent_id=case.agent_id,
        now=now,
    )


def _log_notice(agent_id: str, notice: Notice, row: Row) -> None:
    logger.warning(
        "%s %s",
        notice.instance_id,
        _WORDS[notice.signal],
        extra={
            "action": "interruption_recorded",
            "agent_id": agent_id,
            "instance_id": notice.instance_id,
            "signal": notice.signal.value,
            "event_id": row["event_id"],
            "role": row["role"],
            "epoch": row["epoch"],
            "is_drill": notice.is_drill,
        },
    )
