"""The whole installation, as operators read it."""

from datetime import date as Day
from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import Answer
from backend.api.answers.parts import ClientCard, Part


class FleetAgent(Answer):
    """An agent of any client."""

    id: str
    logicalAgentId: str | None
    hostname: str | None
    clientId: str
    clientName: str
    instanceId: str | None
    instanceType: str | None
    region: str | None
    az: str | None
    currentMode: str | None
    currentPoolId: str | None
    status: str
    enabled: bool
    autoSwitchEnabled: bool
    version: str | None
    agentVersion: str | None
    lastHeartbeatAt: AwareDatetime | None
    lastHeartbeat: AwareDatetime | None
    instanceCount: int
    createdAt: AwareDatetime


class AgentFilters(Answer):
    """The filters that were applied."""

    status: str | None


class FleetAgents(Answer):
    """A page of agents of all clients."""

    agents: list[FleetAgent]
    total: int
    filters: AgentFilters


class FleetInstance(Answer):
    """An instance of any client."""

    id: str
    instanceId: str | None
    clientId: str
    clientName: str
    agentId: str | None
    region: str | None
    az: str | None
    instanceType: str | None
    type: str
    currentMode: str | None
    mode: str | None
    currentPoolId: str | None
    spotPrice: float | None
    ondemandPrice: float | None
    onDemandPrice: float | None
    isActive: bool
    role: str | None
    installedAt: AwareDatetime | None
    createdAt: AwareDatetime
    logicalAgentId: str | None
    agentStatus: str | None


class InstanceFilters(Answer):
    """The filters that were applied."""

    status: str | None
    mode: str | None
    region: str | None


class FleetInstances(Answer):
    """A page of instances of all clients."""

    instances: list[FleetInstance]
    total: int
    filters: InstanceFilters


class HealthSummary(Answer):
    """How many agents are how."""

    total: int
    online: int
    offline: int
    disabled: int
    conflicted: int
    silent: int


class AgentVitals(Answer):
    """An agent with its last vitals."""

    id: str
    name: str
    client: str | None
    clientId: str | None
    status: str
    enabled: bool
    instanceId: str | None
    lastHeartbeat: AwareDatetime | None
    version: str | None
    cpuPercent: float | None
    memoryPercent: float | None
    diskPercent: float | None


class AgentHealth(Answer):
    """How agents are, and how many are how."""

    summary: HealthSummary
    agents: list[AgentVitals]
    total: int


class PoolFigures(Answer):
    """A pool with price and risk."""

    id: str
    name: str
    clientId: str | None
    clientName: str | None
    region: str | None
    az: str | None
    instanceType: str | None
    price: float | None
    observedAt: AwareDatetime | None
    onDemandPrice: float | None
    riskScore: float | None
    recommendation: str | None
    losses: int | None
    lastLossAt: AwareDatetime | None
    volatility: float | None
    computedAt: AwareDatetime | None


class PoolSummary(Answer):
    """All pools together."""

    regions: int
    instanceTypes: int
    lowestPrice: float | None
    highestPrice: float | None
    averagePrice: float | None


class PoolStatistics(Answer):
    """Pools with a fresh price, cheapest first."""

    pools: list[PoolFigures]
    total: int
    summary: PoolSummary


class ActivityLine(Answer):
    """What happened lately."""

    id: int
    type: str
    text: str
    time: AwareDatetime
    event: str
    severity: str


class AuditEntry(Answer):
    """Who did what."""

    id: int
    actor_type: str
    actor_id: str | None
    actor_name: str
    action: str
    client_id: str | None
    subject_type: str
    subject_id: str | None
    details: dict[str, Any] | None
    remote_address: str | None
    request_id: str | None
    created_at: AwareDatetime


class AuditLog(Answer):
    """Who did what."""

    entries: list[AuditEntry]
    next: int | None


class GrowthDay(Answer):
    """The number of clients at the end of a day."""

    date: Day
    total: int
    count: int
    new: int
    active: int


class FleetStats(Answer):
    """The figures of the whole installation."""

    totalAccounts: int
    agentsOnline: int
    agentsTotal: int
    poolsCovered: int
    totalSavings: float
    totalSwitches: int
    manualSwitches: int
    modelSwitches: int
    backendHealth: str
    decisionEngineLoaded: bool
    mlModelsLoaded: bool


class ActiveModel(Answer):
    """A model that is live."""

    name: str
    version: str
    active: bool


class ModelFile(Answer):
    """A file of a model."""

    name: str
    size: int
    modified: AwareDatetime


class ModelsInUse(Answer):
    """Which models are live."""

    loaded: bool
    name: str | None
    version: str | None
    filesUploaded: int
    activeModels: list[ActiveModel]
    files: list[ModelFile]


class EngineInUse(Answer):
    """Which engine decides."""

    loaded: bool
    type: str
    version: str | None
    filesUploaded: int
    files: list[str]


class SystemHealth(Answer):
    """The state of this installation."""

    apiStatus: str
    database: str
    decisionEngine: str
    connectionPool: str
    timestamp: AwareDatetime
    parts: dict[str, Part]
    modelStatus: ModelsInUse
    decisionEngineStatus: EngineInUse


class Totals(Answer):
    """The figures of the whole installation."""

    totalAccounts: int
    agentsOnline: int
    agentsTotal: int
    poolsCovered: int
    totalSavings: float
    totalSwitches: int
    manualSwitches: int
    modelSwitches: int


class GlobalExport(Answer):
    """All clients with their figures, as a file."""

    generatedAt: AwareDatetime
    stats: Totals
    clients: list[ClientCard]
    total: int


ANSWERS: dict[str, dict[int, Any]] = {
    "admin_fleet.list_agents": {200: list[FleetAgent] | FleetAgents},
    "admin_fleet.list_instances": {200: list[FleetInstance] | FleetInstances},
    "admin_fleet.show_agent_health": {200: AgentHealth},
    "admin_fleet.show_pool_statistics": {200: PoolStatistics},
    "admin_overview.list_activity": {200: list[ActivityLine]},
    "admin_overview.list_audit_log": {200: AuditLog},
    "admin_overview.list_clients": {200: list[ClientCard]},
    "admin_overview.show_growth": {200: list[GrowthDay]},
    "admin_overview.show_stats": {200: FleetStats},
    "admin_overview.show_system_health": {200: SystemHealth},
    "admin_exports.export_global_stats": {200: GlobalExport},
}
