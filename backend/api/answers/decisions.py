"""Decisions and their limits, as they are answered."""

from typing import Any

from pydantic import AwareDatetime, Field

from backend.api.answers.base import Answer


class GuardFinding(Answer):
    """Why a decision may not be carried out."""

    code: str
    reason: str


class DecisionMade(Answer):
    """Decide about one agent now, and write it down."""

    instance_id: str | None
    risk_score: float
    recommended_action: str
    recommended_mode: str | None
    recommended_pool_id: str | None
    expected_savings_per_hour: float | None
    allowed: bool
    reason: str
    reasons: list[str]
    guard: list[GuardFinding]
    source: str
    fallback_cause: str | None
    engine: str
    engine_version: str | None
    model_version: str | None


class CurrentPool(Answer):
    """The pool of the present instance."""

    id: str | None
    name: str | None
    az: str | None


class AlternativePool(Answer):
    """A pool that would do as well."""

    id: str
    name: str
    az: str | None
    spot_price: float | None
    risk_score: float


class SwitchRecommendation(Answer):
    """What the engine advises now."""

    agent_id: str
    decision_type: str
    recommended_pool_id: str | None
    risk_score: float
    expected_savings: float | None
    confidence: float | None
    reason: str
    auto_switch_enabled: bool
    will_auto_execute: bool
    current_pool: CurrentPool | None
    alternative_pools: list[AlternativePool]
    reasons: list[str]
    guard: list[GuardFinding]
    source: str
    fallback_cause: str | None
    engine: str
    engine_version: str | None
    model_version: str | None


class MaintenanceWindow(Answer):
    """When switches are allowed."""

    days: list[str]
    from_: str = Field(alias="from")
    to: str


class LimitsChanged(Answer):
    """Change limits of voluntary moves."""

    success: bool
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_day: int
    max_switches_per_week: int
    min_pool_duration_hours: int
    max_price_age_seconds: int
    return_stable_minutes: int
    max_pool_share_percent: float
    max_moved_percent: float
    maintenance_windows: list[MaintenanceWindow]


class DecisionLimits(Answer):
    """The limits of voluntary moves."""

    min_savings_percent: float
    risk_threshold: float
    max_switches_per_day: int
    max_switches_per_week: int
    min_pool_duration_hours: int
    max_price_age_seconds: int
    return_stable_minutes: int
    max_pool_share_percent: float
    max_moved_percent: float
    maintenance_windows: list[MaintenanceWindow]


class Elapsed(Answer):
    """How long ago, in words and numbers."""

    minutes: int
    formatted: str
    value: int
    unit: str


class LastDecision(Answer):
    """The last decision; all null when there is none."""

    type: str | None
    time: AwareDatetime | None
    elapsed: Elapsed | None


class PastDecision(Answer):
    """A decision of the past."""

    type: str
    action: str
    riskScore: float | None
    expectedSavings: float | None
    currentMode: str | None
    guard: str | None
    source: str
    time: AwareDatetime


class ReportedPrice(Answer):
    """Prices that an agent reported."""

    time: AwareDatetime
    onDemandPrice: float | None
    spotPrice: float | None


class SystemEvent(Answer):
    """What happened to an agent."""

    type: str
    severity: str
    message: str
    time: AwareDatetime


class RecentActivity(Answer):
    """What was heard of an agent."""

    pricingReports: list[ReportedPrice]
    systemEvents: list[SystemEvent]


class HealthStatus(Answer):
    """How an agent is."""

    overall: str
    heartbeat: str
    activity: str
    recentReportsCount: int
    decisionCount: int


class PricingHealth(Answer):
    """Whether prices come in."""

    status: str
    recentReportsCount: int
    recentReports: list[ReportedPrice]


class AgentDecisions(Answer):
    """An agent with its last decisions."""

    agentId: str
    agentName: str
    status: str
    currentMode: str | None
    currentPoolId: str | None
    isHealthy: bool
    lastHeartbeat: str | None
    lastDecision: LastDecision
    decisionHistory: list[PastDecision]
    recentActivity: RecentActivity
    healthStatus: HealthStatus
    pricingHealth: PricingHealth


ANSWERS: dict[str, dict[int, Any]] = {
    "agent_decisions.decide": {200: DecisionMade},
    "agent_decisions.switch_recommendation": {200: SwitchRecommendation},
    "decision_limits.change_limits": {200: LimitsChanged},
    "decision_limits.show_limits": {200: DecisionLimits},
    "client_decisions.list_decisions": {200: list[AgentDecisions]},
}
