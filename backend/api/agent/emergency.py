"""Emergencies: signals from agents of ours and from installed ones, and what others found out.

Installed agents stop themselves on ``success`` true, and read no error bodies: until the primary
has really moved they get 200 with ``success`` false.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from backend.api.agent.emergency_schemas import (
    EmergencyReplicaBody,
    EventPath,
    FindingsBody,
    InterruptionBody,
    RebalanceBody,
    TerminationBody,
    TerminationImminentBody,
)
from backend.api.agent.schemas import AgentPath
from backend.api.agent.senders import sender
from backend.api.blueprints import guarded_blueprint
from backend.api.context import client_id, container
from backend.api.guards import AGENT
from backend.errors import InvalidRequest
from backend.sef.plans import PlanAction
from backend.sef.policy import Signal
from backend.services.installed_emergencies import InstalledNotice
from backend.services.interruptions import Notice

BELIEVABLE: Final = timedelta(hours=24)  # a time further from now is no time of this signal

routes = guarded_blueprint(
    "agent_emergency", guard=AGENT, url_prefix="/api/agents", tag="emergency"
)


@routes.post("/<agent_id>/interruption", summary="A signal, and what to do about it")
def report_interruption(path: AgentPath, body: InterruptionBody) -> dict[str, Any]:
    """Handle a signal; repeatable, each time with the plan as it stands."""
    sender(body_instance_id=body.instance_id)
    signal = Signal(body.signal)
    noticed_at = _believable(body.notice_time, "notice_time")
    detected_at = _believable(body.detected_at, "detected_at")
    handled = container().interruptions.handle(
        client_id(),
        path.agent_id,
        Notice(
            instance_id=body.instance_id,
            signal=signal,
            notice_key=noticed_at.isoformat() if noticed_at else None,
            noticed_at=detected_at or container().clock.now(),
            deadline_at=noticed_at if signal is Signal.TERMINATION else None,
            is_drill=body.is_drill,
        ),
    )
    return {
        "success": True,
        "event_id": handled.event_id,
        "status": handled.status,
        "role": handled.role,
        "epoch": handled.epoch,
        "plan": handled.plan.to_wire(),
    }


@routes.post("/<agent_id>/interruptions/<event_id>/findings", summary="What a look found")
def report_findings(path: EventPath, body: FindingsBody) -> dict[str, Any]:
    """Act on what the instance found that was asked to look at a silent primary; repeatable."""
    finder = sender().instance_id
    if finder is None:
        raise InvalidRequest("The header X-Instance-Id is missing", field="X-Instance-Id")
    _believable(body.checked_at, "checked_at")
    found = container().findings.report(
        client_id(),
        path.agent_id,
        path.event_id,
        finder_id=finder,
        instance_id=body.instance_id,
        state=body.state,
    )
    return {
        "success": True,
        "status": found.status,
        "plan": found.plan.to_wire(),
    }


@routes.post("/<agent_id>/termination", summary="This host ends")
def report_termination(path: AgentPath, body: TerminationBody) -> dict[str, Any]:
    """Write down that a host ends, and take it for a goodbye."""
    container().terminations.report(
        client_id(),
        path.agent_id,
        sender(body_instance_id=body.instance_id),
        reason=body.reason or "Unknown",
        details=body.details,
    )
    return {"success": True}


@routes.post("/<agent_id>/rebalance-recommendation", summary="At risk (installed agents)")
def report_rebalance(path: AgentPath, body: RebalanceBody) -> dict[str, Any]:
    """Record a rebalance recommendation; a replica is ordered by create-emergency-replica."""
    answer = container().installed_emergencies.rebalance(
        client_id(),
        path.agent_id,
        InstalledNotice(
            instance_id=sender(body_instance_id=body.instance_id).instance_id,
            detected_at=_believable(body.detected_at, "detected_at"),
        ),
    )
    return {
        "success": True,
        "action": "monitor",
        "risk_score": answer.risk,
        "reason": answer.handled.plan.reason,
        "event_id": answer.handled.event_id,
    }


@routes.post("/<agent_id>/create-emergency-replica", summary="Order a replica (installed agents)")
def create_emergency_replica(
    path: AgentPath, body: EmergencyReplicaBody
) -> tuple[dict[str, Any], int]:
    """Order the one replica of a signal, or answer the one that serves."""
    signal = Signal(body.signal_type)
    handled = container().installed_emergencies.order(
        client_id(),
        path.agent_id,
        signal,
        InstalledNotice(
            instance_id=sender(body_instance_id=body.instance_id).instance_id,
            deadline_at=_believable(body.termination_time, "termination_time"),
        ),
    )
    plan = handled.plan
    if plan.replica_id is None:
        error = f"No replica was ordered: {plan.reason}"
        return {"success": False, "error": error, "reason": plan.reason}, HTTPStatus.OK
    pool = plan.pools[0] if plan.pools else None
    answer = {
        "success": True,
        "replica_id": plan.replica_id,
        "instance_id": plan.new_instance_id or f"emergency-{plan.replica_id[:8]}",
        "replica_instance_id": plan.new_instance_id,
        "pool": {"id": pool, "name": pool, "az": pool.rpartition(".")[2]} if pool else None,
        "hourly_cost": None,
        "message": f"One replica serves this event ({plan.reason})",
        "urgency": "critical" if signal is Signal.TERMINATION else "high",
    }
    return answer, HTTPStatus.CREATED if handled.is_ordered else HTTPStatus.OK


@routes.post("/<agent_id>/termination-imminent", summary="Two minutes left (installed agents)")
def report_termination_imminent(path: AgentPath, body: TerminationImminentBody) -> dict[str, Any]:
    """Promote what can be promoted; else see to it that exactly one replacement is launched."""
    begun = container().clock.now()
    answer = container().installed_emergencies.terminate(
        client_id(),
        path.agent_id,
        InstalledNotice(
            instance_id=sender(body_instance_id=body.instance_id).instance_id,
            detected_at=_believable(body.detected_at, "detected_at"),
            deadline_at=_believable(body.deadline, "termination_time"),
        ),
    )
    plan = answer.handled.plan
    is_done = plan.action is PlanAction.HAND_OVER
    message = f"The primary is {plan.new_instance_id} now" if is_done else _WAITING[plan.action]
    return {
        "success": is_done,
        "message": message,
        "error": None if is_done else message,
        "action": "replica_promoted" if is_done else f"replica_{plan.action}",
        "new_instance_id": plan.new_instance_id if is_done else None,
        "replica_id": plan.replica_id,
        "failover_time_ms": int((container().clock.now() - begun).total_seconds() * 1000),
        "create_emergency_replica": answer.must_launch,
        "target_pool_id": plan.pools[0] if plan.pools else None,
        "reason": plan.reason,
        "event_id": answer.handled.event_id,
    }


_WAITING: Final = {
    PlanAction.AWAIT: "A replica is on its way; it takes over as soon as it lives",
    PlanAction.LAUNCH: "A replica is on its way; it takes over as soon as it lives",
    PlanAction.MONITOR: "Nothing is to be taken over from this instance",
    PlanAction.NONE: "The emergency fallback is switched off for this agent",
}


def _believable(instant: datetime | None, field: str) -> datetime | None:
    """Return the instant unless no signal of now can carry it."""
    if instant is None:
        return None
    now = container().clock.now()
    if abs(instant - now) > BELIEVABLE:
        raise InvalidRequest(
            f"{field} must be within 24 hours of now ({now.isoformat()})", field=field
        )
    return instant
