"""What agents are answered."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import UNSET, Answer
from backend.api.answers.parts import AlreadyThere, Refusal


class CleanupNoted(Answer):
    """What a clean-up removed."""

    success: bool
    message: str
    deleted_snapshots: int
    deleted_amis: int
    failed_count: int


class HeartbeatNoted(Answer):
    """A sign of life."""

    success: bool
    code: str = UNSET


class AgentConfig(Answer):
    """The settings of an agent, as agents read them."""

    version: int
    enabled: bool
    auto_switch_enabled: bool
    manual_replica_enabled: bool
    auto_terminate_enabled: bool
    terminate_wait_seconds: int
    replica_enabled: bool
    replica_count: int
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_day: int
    max_switches_per_week: int
    min_pool_duration_hours: int


class Registered(Answer):
    """Say who you are, learn what you are."""

    success: bool
    agent_id: str
    client_id: str
    role: str
    epoch: int
    reason: str
    config: AgentConfig


class ReplicaConfig(Answer):
    """How many replicas the agent keeps."""

    enabled: bool
    count: int


class CommandOrder(Answer):
    """A command that its agent has to carry out."""

    id: str
    command_type: str
    instance_id: str | None
    target_mode: str | None
    target_pool_id: str | None
    priority: int
    terminate_wait_seconds: int
    reason: str | None
    payload: dict[str, Any] | None
    created_at: AwareDatetime
    lease_expires_at: AwareDatetime | None


class EmergencyPlan(Answer):
    """What an agent does when it cannot reach the backend."""

    action: str
    replica_id: str | None
    new_instance_id: str | None
    epoch: int
    pools: list[str]
    allow_ondemand: bool
    order_id: str | None


class SyncAnswer(Answer):
    """Everything in one round trip (protocol 5)."""

    role: str
    epoch: int
    primary_instance_id: str | None
    enabled: bool
    config_version: int
    config: AgentConfig | None
    commands: list[CommandOrder]
    emergency_plan: EmergencyPlan | None
    server_time: AwareDatetime


class CommandNoted(Answer):
    """How a command ended."""

    success: bool
    command_id: str
    status: str


class Refused(Answer):
    """A part of a report that was not kept."""

    pool_id: str | None
    field: str
    reason: str | None


class PricesTaken(Answer):
    """What the market costs."""

    success: bool
    accepted: int
    refused: list[Refused]
    repeated: bool


class SwitchNoted(Answer):
    """A switch was made."""

    success: bool
    switch_id: str | None
    is_primary_moved: bool
    reason: str | None


class SwitchOrdered(Answer):
    """A switch was ordered, or had been."""

    success: bool
    command_id: str
    agent_id: str
    target_mode: str
    target_pool_id: str | None
    reason: str | None
    message: str
    auto_switch_enabled: bool


class AgentRecord(Answer):
    """An agent as its owner reads it."""

    id: str
    client_id: str
    logical_agent_id: str
    hostname: str | None
    status: str
    instance_id: str | None
    epoch: int
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str
    current_pool_id: str | None
    private_ip: str | None
    public_ip: str | None
    agent_version: str | None
    protocol: int | None
    spot_price: float | None
    ondemand_price: float | None
    last_heartbeat_at: AwareDatetime | None
    last_switch_at: AwareDatetime | None
    created_at: AwareDatetime
    enabled: bool
    auto_switch_enabled: bool
    auto_terminate_enabled: bool
    manual_replica_enabled: bool
    terminate_wait_seconds: int
    replica_count: int


class AgentRecordPage(Answer):
    """The caller's agents, page by page."""

    agents: list[AgentRecord]
    total: int
    next: str | None


ANSWERS: dict[str, dict[int, Any]] = {
    "agent.cleanup_report": {200: CleanupNoted},
    "agent.heartbeat": {200: HeartbeatNoted},
    "agent.register": {200: Registered},
    "agent.show_config": {200: AgentConfig},
    "agent.show_replica_config": {200: ReplicaConfig},
    "agent.sync": {200: SyncAnswer},
    "agent_work.executed": {200: CommandNoted | Refusal},
    "agent_work.mark_command_executed": {200: CommandNoted},
    "agent_work.pending_commands": {200: list[CommandOrder]},
    "agent_work.pricing_report": {200: PricesTaken},
    "agent_work.switch_report": {200: SwitchNoted},
    "agents.issue_switch_command": {200: SwitchOrdered | AlreadyThere},
    "agents.list_agents": {200: AgentRecordPage},
    "agents.show_agent": {200: AgentRecord},
}
