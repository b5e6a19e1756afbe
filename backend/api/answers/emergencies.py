"""Signals, take-overs and rehearsals, as they are answered."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import Answer
from backend.api.answers.parts import Done, StatusNoted


class LaunchPool(Answer):
    """The pool that is tried first."""

    id: str
    name: str
    az: str


class EmergencyReplicaOrdered(Answer):
    """Order a replica (installed agents)."""

    success: bool
    replica_id: str | None
    instance_id: str | None
    replica_instance_id: str | None
    pool: LaunchPool | None
    hourly_cost: float | None
    message: str
    urgency: str


class EmergencyReplicaRefusal(Answer):
    """Order a replica (installed agents)."""

    success: bool
    error: str
    reason: str


class ReplicaOrder(Answer):
    """A replica to be launched."""

    replica_id: str | None
    kind: str
    event_id: str | None
    instance_type: str | None
    pools: list[str]
    allow_ondemand: bool
    tags: dict[str, str]
    command_id: str | None


class PlanOfAction(Answer):
    """What the agent does next."""

    action: str
    event_id: str | None
    replica_id: str | None
    new_instance_id: str | None
    old_instance_id: str | None
    epoch: int
    deadline: AwareDatetime | None
    pools: list[str]
    allow_ondemand: bool
    order: ReplicaOrder | None
    reason: str


class FindingsTaken(Answer):
    """What a look found."""

    success: bool
    status: str
    plan: PlanOfAction


class InterruptionTaken(Answer):
    """A signal, and what to do about it."""

    success: bool
    event_id: str | None
    status: str
    role: str
    epoch: int
    plan: PlanOfAction


class RebalanceTaken(Answer):
    """At risk (installed agents)."""

    success: bool
    action: str
    risk_score: float | None
    reason: str
    event_id: str | None


class TerminationTaken(Answer):
    """Two minutes left (installed agents)."""

    success: bool
    message: str
    error: str | None
    action: str
    new_instance_id: str | None
    replica_id: str | None
    failover_time_ms: int
    create_emergency_replica: bool
    target_pool_id: str | None
    reason: str
    event_id: str | None


class InventoryTaken(Answer):
    """What runs with the agent's tags."""

    success: bool
    vanished: list[str]
    orphans: list[str]


class Noted(Answer):
    """It is noted, or was already."""

    success: bool
    repeated: bool


class RetirementVerdict(Answer):
    """May it be ended?"""

    may_retire: bool
    reason: str
    role: str | None
    epoch: int
    checked_at: AwareDatetime


class FreezeSet(Answer):
    """Stop what the program does by itself, or let it go on."""

    success: bool
    scope: str
    id: str | None
    level: str


class RehearsedStep(Answer):
    """What the rehearsal did."""

    action: str
    replica_id: str | None
    new_instance_id: str | None
    epoch: int


class Rehearsed(Answer):
    """Rehearse an interruption of an agent."""

    success: bool
    event_id: str | None
    is_drill: bool
    would: str
    executed: RehearsedStep | None


ANSWERS: dict[str, dict[int, Any]] = {
    "agent_emergency.create_emergency_replica": {
        200: EmergencyReplicaOrdered | EmergencyReplicaRefusal,
        201: EmergencyReplicaOrdered,
    },
    "agent_emergency.report_findings": {200: FindingsTaken},
    "agent_emergency.report_interruption": {200: InterruptionTaken},
    "agent_emergency.report_rebalance": {200: RebalanceTaken},
    "agent_emergency.report_termination": {200: Done},
    "agent_emergency.report_termination_imminent": {200: TerminationTaken},
    "agent_takeover.report_inventory": {200: InventoryTaken},
    "agent_takeover.report_progress": {200: StatusNoted},
    "agent_takeover.report_terminated": {200: Noted},
    "agent_takeover.save_launch_spec": {200: Noted},
    "agent_takeover.show_retirement": {200: RetirementVerdict},
    "admin_fallback.freeze": {200: FreezeSet},
    "admin_fallback.rehearse": {200: Rehearsed},
}
