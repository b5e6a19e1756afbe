"""Replicas, as they are answered."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import UNSET, Answer
from backend.api.answers.parts import Refusal


class ReplicaBound(Answer):
    """Which instance a replica is."""

    success: bool
    replica_id: str | None
    instance_id: str | None
    status: str


class ReplicaPool(Answer):
    """The pool of a replica."""

    id: str
    name: str
    instance_type: str | None
    region: str | None
    az: str | None


class ReplicaOrdered(Answer):
    """Order a replica."""

    success: bool
    replica_id: str | None
    instance_id: str | None
    pool: ReplicaPool | None = UNSET
    hourly_cost: float | None = UNSET
    status: str
    message: str


class ReplicaEnded(Answer):
    """End a replica."""

    success: bool
    message: str
    replica_id: str | None
    state: str
    terminated_at: AwareDatetime | None


class ReplicaPlace(Answer):
    """Where a replica is, or is to be."""

    id: str | None
    name: str | None
    instance_type: str | None
    region: str | None
    az: str | None


class Cost(Answer):
    """What a replica costs, in dollars."""

    hourly: float | None
    total: float


class Replica(Answer):
    """A replica, with the names that installed agents need."""

    id: str
    instance_id: str | None
    status: str
    state: str
    sync_status: str | None
    sync_latency_ms: int | None
    state_transfer_progress: float
    pool: ReplicaPlace | None
    cost: Cost
    created_by: str
    created_at: AwareDatetime
    ready_at: AwareDatetime | None
    terminated_at: AwareDatetime | None
    is_active: bool
    type: str
    pool_id: str | None
    az: str | None
    region: str | None
    instance_type: str | None
    mode: str | None
    agent_id: str | None
    event_id: str | None
    parent_instance_id: str | None
    failure_reason: str | None
    age_seconds: int
    tags: dict[str, str]


class ReplicaList(Answer):
    """Replicas of the agent."""

    replicas: list[Replica]
    total: int


class ReplicaPromoted(Answer):
    """Make a replica the primary."""

    success: bool
    message: str
    new_instance_id: str | None
    old_instance_id: str | None
    demoted: bool
    switch_id: str | None
    epoch: int
    switch_time: AwareDatetime


class ReplicaStatusNoted(Answer):
    """How a replica stands."""

    success: bool
    replica_id: str | None
    status: str


class SyncStatusNoted(Answer):
    """How far its data have come."""

    success: bool
    message: str
    status: str


class StandbyPrimary(Answer):
    """The primary that a replica stands by for."""

    instanceId: str | None
    instanceType: str | None
    region: str | None
    az: str | None
    mode: str | None


class StandbyReplica(Answer):
    """A replica as the operators' dashboard reads it."""

    id: str
    status: str
    state: str
    sync_status: str | None
    sync_latency_ms: int | None
    state_transfer_progress: float
    pool: ReplicaPool | None
    cost: Cost
    created_by: str
    created_at: AwareDatetime
    ready_at: AwareDatetime | None
    terminated_at: AwareDatetime | None
    is_active: bool
    instanceId: str | None
    type: str


class Standby(Answer):
    """A replica with its primary."""

    agentId: str
    logicalAgentId: str
    primary: StandbyPrimary | None
    replica: StandbyReplica


ANSWERS: dict[str, dict[int, Any]] = {
    "agent_replicas.bind_replica": {200: ReplicaBound | Refusal},
    "agent_replicas.create_replica": {200: ReplicaOrdered | Refusal},
    "agent_replicas.delete_replica": {200: ReplicaEnded},
    "agent_replicas.list_replicas": {200: ReplicaList},
    "agent_replicas.promote_replica": {200: ReplicaPromoted},
    "agent_replicas.report_status": {200: ReplicaStatusNoted | Refusal},
    "agent_replicas.report_sync_status": {200: SyncStatusNoted},
    "client_replicas.list_client_replicas": {200: list[Standby]},
}
