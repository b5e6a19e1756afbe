"""Clients, their agents and switches, as dashboards read them."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import Answer
from backend.api.answers.parts import ClientCard


class ConfigChanged(Answer):
    """Change an agent's settings, as operators do."""

    success: bool
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
    terminateWaitMinutes: int


class AgentDeleted(Answer):
    """Delete an agent; its instances keep running."""

    success: bool
    message: str
    agent_id: str


class Change(Answer):
    """A value before and after."""

    before: Any
    after: Any


class ConfigChange(Answer):
    """A change of an agent's settings."""

    id: int
    version: int
    actor_type: str
    actor_name: str
    changes: dict[str, Change]
    changed_at: AwareDatetime


class ConfigChanges(Answer):
    """Who changed an agent's settings."""

    changes: list[ConfigChange]
    total: int
    limit: int
    offset: int


class ConfigShown(Answer):
    """An agent's settings."""

    agent_id: str
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
    terminateWaitMinutes: int


class LastDay(Answer):
    """The vitals of the last 24 hours."""

    since: AwareDatetime
    samples: int
    heardPercent: float | None
    cpuPercent: float | None
    memoryPercent: float | None
    diskPercent: float | None


class AgentStatistics(Answer):
    """The figures of an agent."""

    agentId: str
    totalSwitches: int
    failedSwitches: int
    switchesByCause: dict[str, int]
    lastSwitch: AwareDatetime | None
    totalSavings: float
    savingsLast30Days: float
    recentReportsCount: int
    lastReport: AwareDatetime | None
    last24Hours: LastDay


class SwitchCard(Answer):
    """A switch as operators read it."""

    id: str
    agentId: str
    instanceId: str | None
    oldInstanceId: str | None
    newInstanceId: str | None
    timestamp: AwareDatetime
    fromMode: str | None
    toMode: str | None
    fromPool: str
    toPool: str
    trigger: str
    status: str
    price: float
    savingsImpact: float


class SwitchExport(Answer):
    """A client's switches as a file."""

    clientId: str
    switches: list[SwitchCard]
    total: int


class AgentCard(Answer):
    """An agent as operators read it."""

    id: str
    logicalAgentId: str
    hostname: str | None
    instanceId: str | None
    instanceType: str | None
    region: str | None
    az: str | None
    currentMode: str
    currentPoolId: str | None
    status: str
    lastHeartbeat: AwareDatetime | None
    instanceCount: int
    enabled: bool
    autoSwitchEnabled: bool
    manualReplicaEnabled: bool
    autoTerminateEnabled: bool
    auto_switch_enabled: bool
    auto_terminate_enabled: bool
    terminateWaitMinutes: int
    terminateWaitSeconds: int
    configVersion: int
    agentVersion: str | None


class OwnAgent(Answer):
    """An agent as the dashboard of its owner reads it."""

    id: str
    client_id: str | None
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
    config_version: int
    instance_count: int


class OwnAgents(Answer):
    """A page of agents."""

    agents: list[OwnAgent]
    total: int


class InstanceCard(Answer):
    """An instance as operators read it."""

    id: str
    type: str
    region: str | None
    az: str | None
    mode: str | None
    poolId: str
    spotPrice: float
    onDemandPrice: float
    isActive: bool
    lastSwitch: AwareDatetime | None
    agentId: str
    role: str | None


class OwnInstance(Answer):
    """An instance as its owner reads it."""

    id: str
    agent_id: str
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str
    current_pool_id: str | None
    role: str | None
    spot_price: float
    ondemand_price: float
    is_active: bool
    installed_at: AwareDatetime | None
    last_switch_at: AwareDatetime | None


class OwnInstances(Answer):
    """A page of instances."""

    instances: list[OwnInstance]
    total: int


class PastAgent(Answer):
    """An agent, deleted or not."""

    id: str
    logicalAgentId: str
    instanceId: str | None
    instanceType: str | None
    region: str | None
    az: str | None
    currentMode: str
    status: str
    enabled: bool
    autoSwitchEnabled: bool
    manualReplicaEnabled: bool
    createdAt: AwareDatetime
    updatedAt: AwareDatetime
    lastHeartbeat: AwareDatetime | None
    installedAt: AwareDatetime | None
    terminatedAt: AwareDatetime | None


class OwnSwitch(Answer):
    """A switch as its owner reads it."""

    id: str
    agent_id: str
    initiated_at: AwareDatetime
    completed_at: AwareDatetime | None
    old_instance_id: str | None
    old_mode: str | None
    old_az: str | None
    new_instance_id: str | None
    new_mode: str | None
    new_az: str | None
    trigger_type: str
    status: str
    savings_impact: float


class OwnSwitches(Answer):
    """A page of switches."""

    switches: list[OwnSwitch]
    total: int
    limit: int
    offset: int


class ActiveAgent(Answer):
    """An agent that is online."""

    id: str
    status: str
    hostname: str | None
    instance_id: str | None
    instance_type: str | None
    region: str | None
    current_mode: str


class ClientDetail(Answer):
    """A client as its own dashboard reads it."""

    id: str
    name: str
    email: str | None
    status: str
    total_agents: int
    online_agents: int
    active_instances: int
    spot_instances: int
    total_switches: int
    switches_today: int
    total_savings: float
    monthly_savings: float
    last_sync_at: AwareDatetime | None
    recent_switches: list[OwnSwitch]
    active_agents: list[ActiveAgent]


class TokenValid(Answer):
    """Check a client token."""

    valid: bool
    client_id: str
    name: str
    email: str | None
    scope: str


class TokenRefused(Answer):
    """The token is missing, unknown, revoked or expired, or its client is suspended."""

    valid: bool
    error: str
    code: str
    request_id: str
    details: dict[str, Any]


ANSWERS: dict[str, dict[int, Any]] = {
    "client_agents.change_config": {200: ConfigChanged},
    "client_agents.change_settings": {200: ConfigChanged},
    "client_agents.delete_agent": {200: AgentDeleted},
    "client_agents.list_config_changes": {200: ConfigChanges},
    "client_agents.show_config": {200: ConfigShown},
    "client_agents.show_statistics": {200: AgentStatistics},
    "client_agents.toggle_enabled": {200: ConfigChanged},
    "client_views.export_switch_history": {200: SwitchExport},
    "client_views.list_agents": {200: list[AgentCard] | OwnAgents},
    "client_views.list_instances": {200: list[InstanceCard] | OwnInstances},
    "client_views.list_past_agents": {200: list[PastAgent]},
    "client_views.list_switch_history": {200: list[SwitchCard]},
    "client_views.list_switches": {200: list[SwitchCard] | OwnSwitches},
    "client_views.show_client": {200: ClientCard | ClientDetail},
    "client_validate.validate_token": {
        200: TokenValid,
        401: TokenRefused,
        403: TokenRefused,
    },
}
