"""What is sent about replicas: by launchers, by replicas themselves, and by their owners."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from backend.api.agent.schemas import (
    AgentPath,
    Fact48,
    Fact64,
    Fact128,
    InstanceId,
    Instant,
    ModeField,
    Tolerant,
    known,
)
from backend.domain.modes import Mode
from backend.domain.replica_reports import SyncStatus
from backend.domain.replicas import ReplicaStatus

# EC2 takes 50 tags with an instance; the rest is ours. aws: and our own names are not the user's.
OUR_TAGS = frozenset(
    {"ManagedBy", "ClientId", "LogicalAgentId", "CommandId", "ReplicaId", "LaunchedBy"}
)
TagName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[\p{L}\p{N} +\-=._:/@]+$"),
]
TagValue = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
PoolId = Annotated[str, Field(min_length=1, max_length=128)]
_LaunchStatus = Literal["launching", "syncing", "ready"]


class ReplicaPath(AgentPath):
    """A replica of an agent in a path."""

    replica_id: str = Field(max_length=36)


class ReplicasQuery(Tolerant):
    """GET /api/agents/{agent_id}/replicas."""

    status: Annotated[ReplicaStatus | None, BeforeValidator(known)] = None
    include_terminated: bool = False


class CreateReplicaBody(Tolerant):
    """POST /api/agents/{agent_id}/replicas; with ``instance_id`` from installed agents."""

    pool_id: Fact128 = None
    exclude_zones: list[Annotated[str, Field(max_length=48)]] | None = Field(None, max_length=20)
    max_hourly_cost: Decimal | None = Field(None, gt=0, le=1000, allow_inf_nan=False)
    tags: dict[TagName, TagValue] | None = Field(None, max_length=40)
    created_by: Annotated[str | None, Field(max_length=100)] = None
    instance_id: Fact64 = None
    replica_type: Fact64 = None
    parent_instance_id: Fact64 = None
    status: Fact48 = None


class PromoteBody(Tolerant):
    """POST .../promote. Both flags are accepted and change nothing.

    The old primary always leaves its place and is kept or ended as the agent's settings say; a
    replica that still syncs may be promoted.
    """

    demote_old_primary: bool = True
    wait_for_sync: bool = True


class BindReplicaBody(Tolerant):
    """PUT .../replicas/{replica_id}."""

    instance_id: InstanceId
    status: Annotated[_LaunchStatus, Field(description="launching, syncing or ready")] = "syncing"
    pool_id: Fact128 = None
    mode: ModeField = Mode.UNKNOWN
    launched_at: Instant = None


class ReplicaStatusBody(Tolerant):
    """POST .../status."""

    status: Literal["launching", "syncing", "ready", "failed", "terminated"]
    sync_started_at: Instant = None
    sync_completed_at: Instant = None
    error_message: Annotated[str | None, Field(max_length=10_000)] = None
    failed_pools: list[PoolId] | None = Field(None, max_length=50)


class SyncStatusBody(Tolerant):
    """POST .../sync-status."""

    sync_status: SyncStatus | None = None
    sync_latency_ms: int | None = Field(None, ge=0, le=86_400_000)
    state_transfer_progress: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
    status: Literal["launching", "syncing", "ready", "failed"] | None = None
