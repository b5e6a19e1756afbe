"""What agents send: tolerant where installed agents are odd, strict about everything else.

Unknown fields are passed over. ``null`` and ``unknown`` are read as "could not find out".
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from backend.domain.commands import CLASSIC_PROTOCOL, NATIVE_PROTOCOL
from backend.domain.instants import parse_instant
from backend.domain.modes import Mode

UNKNOWN = "unknown"


def known(value: object) -> object:
    """Read null, "" and "unknown" as None."""
    if isinstance(value, str) and value.strip().lower() in {"", UNKNOWN, "none", "null"}:
        return None
    return value


def _mode(value: object) -> object:
    return Mode.UNKNOWN if known(value) is None else value


def _instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


def _flag(value: object) -> object:
    return True if value is None else value


# Facts of at most so many characters, without control characters; None where unknown.
_TEXT = r"^[^\x00-\x1f\x7f]*$"
Fact16 = Annotated[
    Annotated[str, Field(max_length=16, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact32 = Annotated[
    Annotated[str, Field(max_length=32, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact45 = Annotated[
    Annotated[str, Field(max_length=45, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact48 = Annotated[
    Annotated[str, Field(max_length=48, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact64 = Annotated[
    Annotated[str, Field(max_length=64, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact128 = Annotated[
    Annotated[str, Field(max_length=128, pattern=_TEXT)] | None, BeforeValidator(known)
]
Fact255 = Annotated[
    Annotated[str, Field(max_length=255, pattern=_TEXT)] | None, BeforeValidator(known)
]
InstanceId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
# use1-az1, the local zone usw2-lax1-az1, the wavelength zone use1-wl1-bos-wlz1: names of pools that
# all clients share, so nothing else may become one.
AzId = Annotated[
    str, Field(max_length=32, pattern=r"^[a-z]{2,8}[0-9]{1,2}(?:-[a-z]+[0-9]*)*-[a-z]+[0-9]+$")
]
ModeField = Annotated[Mode, BeforeValidator(_mode)]
Instant = Annotated[datetime | None, BeforeValidator(_instant)]
Percent = Annotated[float | None, Field(ge=0, le=100, allow_inf_nan=False)]
TrueByDefault = Annotated[StrictBool, BeforeValidator(_flag)]


class Tolerant(BaseModel):
    """A body whose unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore")


class AgentPath(BaseModel):
    """The agent in a path."""

    agent_id: str = Field(max_length=36)


class CommandPath(AgentPath):
    """A command of an agent in a path."""

    command_id: str = Field(max_length=36)


class LaunchTags(Tolerant):
    """The tags that a launch of ours put on the instance."""

    ClientId: Fact64 = None
    LogicalAgentId: Fact64 = None
    CommandId: Fact64 = None
    ReplicaId: Fact64 = None


class RegisterBody(Tolerant):
    """POST /api/agents/register."""

    instance_id: InstanceId
    logical_agent_id: Fact255 = None
    hostname: Fact255 = None
    instance_type: Fact64 = None
    region: Fact32 = None
    az: Fact48 = None
    az_id: Fact32 = None
    account_id: Fact32 = None
    ami_id: Fact64 = None
    mode: ModeField = Mode.UNKNOWN
    agent_version: Fact32 = None
    private_ip: Fact45 = None
    public_ip: Fact45 = None
    protocol: int = Field(CLASSIC_PROTOCOL, ge=CLASSIC_PROTOCOL, le=NATIVE_PROTOCOL)
    launch_tags: LaunchTags = LaunchTags()


class HeartbeatBody(Tolerant):
    """POST /api/agents/{agent_id}/heartbeat."""

    status: Annotated[str, Field(max_length=32)] = "online"
    instance_id: Fact64 = None
    instance_type: Fact64 = None
    mode: ModeField = Mode.UNKNOWN
    az: Fact48 = None
    monitored_instances: Annotated[list[Any] | None, Field(max_length=100)] = None


class SyncBody(Tolerant):
    """POST /api/agents/{agent_id}/sync."""

    instance_id: InstanceId
    config_version: int | None = Field(None, ge=0)
    cpu_percent: Percent = None
    memory_percent: Percent = None
    disk_percent: Percent = None


class ExecutedBody(Tolerant):
    """POST /api/agents/{agent_id}/commands/{command_id}/executed."""

    success: TrueByDefault = True
    message: Annotated[str | None, Field(max_length=10_000)] = None


class MarkExecutedBody(Tolerant):
    """POST /api/agents/{agent_id}/mark-command-executed (agents 3.2.0)."""

    command_id: str = Field(min_length=1, max_length=36)
    success: TrueByDefault = True
    message: Annotated[str | None, Field(max_length=10_000)] = None


class MachineBody(Tolerant):
    """One side of a switch, or the reporter of prices."""

    instance_id: InstanceId
    instance_type: Fact64 = None
    region: Fact32 = None
    az: Fact48 = None
    ami_id: Fact64 = None
    mode: ModeField = Mode.UNKNOWN
    current_mode: ModeField = Mode.UNKNOWN


class SnapshotBody(Tolerant):
    """What a switch kept of the old disk."""

    ami_id: Fact64 = None
    snapshot_id: Fact64 = None


class SwitchReportBody(Tolerant):
    """POST /api/agents/{agent_id}/switch-report. Times and prices are read by the domain."""

    old_instance: MachineBody
    new_instance: MachineBody
    snapshot: SnapshotBody | None = None
    trigger: Fact64 = None
    command_id: Fact64 = None
    timing: dict[str, Any] | None = None
    prices: dict[str, Any] | None = None
    pricing: dict[str, Any] | None = None


class PricingBody(Tolerant):
    """The ``pricing`` object of agents 4 and later."""

    on_demand_price: Any = None
    on_demand_source: Fact32 = None
    current_spot_price: Any = None
    spot_pools: list[Any] | None = Field(None, max_length=1000)
    collected_at: Instant = None
    az_ids: dict[str, AzId] | None = Field(None, max_length=100)


class LegacyPriceBody(Tolerant):
    """The ``on_demand_price`` object of agents 3.2.0."""

    price: Any = None


class PricingReportBody(Tolerant):
    """POST /api/agents/{agent_id}/pricing-report, in both layouts."""

    instance: MachineBody
    pricing: PricingBody | None = None
    on_demand_price: LegacyPriceBody | None = None
    spot_pools: list[Any] | None = Field(None, max_length=1000)


# An id, or for what failed an object with id and error.
CleanupItem = (
    Annotated[str, Field(max_length=255)]
    | dict[Annotated[str, Field(max_length=32)], Annotated[str | None, Field(max_length=2_000)]]
)


class CleanupPart(Tolerant):
    """One kind of thing that a clean-up removed."""

    cutoff_date: Fact64 = None
    deleted: list[CleanupItem] | None = Field(None, max_length=10_000)
    deleted_amis: list[CleanupItem] | None = Field(None, max_length=10_000)
    deleted_snapshots: list[CleanupItem] | None = Field(None, max_length=10_000)
    failed: list[CleanupItem] | None = Field(None, max_length=10_000)
    error: Annotated[str | None, Field(max_length=2_000)] = None


class CleanupReportBody(Tolerant):
    """POST /api/agents/{agent_id}/cleanup-report."""

    timestamp: Instant = None
    snapshots: CleanupPart | None = None
    amis: CleanupPart | None = None


class IssueSwitchBody(Tolerant):
    """POST /api/agents/{agent_id}/issue-switch-command."""

    target_mode: Fact16 = None
    target_pool_id: Fact128 = None
    priority: int = Field(75, ge=0, le=75)
    reason: Fact255 = None
    allow_ondemand: bool = False


class AgentsQuery(Tolerant):
    """GET /api/agents."""

    limit: int = Field(50, ge=1, le=200)
    after: Annotated[str | None, Field(max_length=1000)] = None


class InstancePath(AgentPath):
    """An instance of an agent in a path."""

    instance_id: InstanceId


class ProgressBody(Tolerant):
    """POST /api/agents/{agent_id}/commands/{command_id}/progress."""

    status: Literal["launching", "running", "ready", "cut_over"]
    new_instance_id: Fact64 = None
    pool_id: Fact128 = None


class TerminatedBody(Tolerant):
    """POST /api/agents/{agent_id}/instances/{instance_id}/terminated."""

    terminated_at: Instant = None


class SightingBody(Tolerant):
    """One instance in an inventory."""

    instance_id: InstanceId
    state: Annotated[str, Field(max_length=32)]
    launched_at: Instant = None


class InventoryBody(Tolerant):
    """POST /api/agents/{agent_id}/inventory."""

    instances: list[SightingBody] = Field(max_length=1000)


class LaunchSpecBody(Tolerant):
    """PUT /api/agents/{agent_id}/launch-spec."""

    spec: dict[str, Any] = Field(min_length=1, max_length=100)
