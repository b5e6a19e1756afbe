"""Changing agents: routes 35 to 38, the settings with their history, and an agent's figures."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.api.agent.schemas import AgentPath
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, container, tenant
from backend.api.guards import CLIENT_USER_OR_OPERATOR, CLIENT_USER_OR_VIEWER
from backend.api.pages import LONGEST_OFFSET, Query
from backend.api.wording import known
from backend.domain.agent_config import AgentConfig, to_wire
from backend.domain.agent_settings import SettingsWish, shown_wait_minutes

routes = guarded_blueprint(
    "client_agents", guard=CLIENT_USER_OR_OPERATOR, url_prefix="/api/client/agents", tag="agents"
)

DAY_SECONDS = 86_400
# How dashboards write the settings in camelCase.
_CAMEL = {
    "enabled": "enabled",
    "autoSwitchEnabled": "auto_switch_enabled",
    "manualReplicaEnabled": "manual_replica_enabled",
    "autoTerminateEnabled": "auto_terminate_enabled",
    "terminateWaitSeconds": "terminate_wait_seconds",
    "terminateWaitMinutes": "terminate_wait_minutes",
    "replicaEnabled": "replica_enabled",
    "replicaCount": "replica_count",
    "minSavingsPercent": "min_savings_percent",
    "riskThreshold": "risk_threshold",
    "maxSwitchesPerDay": "max_switches_per_day",
    "maxSwitchesPerWeek": "max_switches_per_week",
    "minPoolDurationHours": "min_pool_duration_hours",
}
_Percent = Annotated[Decimal | None, Field(ge=0, le=100, decimal_places=2)]
_Share = Annotated[Decimal | None, Field(ge=0, le=1, decimal_places=2)]


class ToggleBody(BaseModel):
    """POST toggle-enabled; an empty body turns it over."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool | None = None


class SettingsBody(BaseModel):
    """New settings; what is absent or null stays as it is. camelCase names are taken too.

    ``version`` is the one that the caller has seen: when it has moved on, nothing changes.
    """

    model_config = ConfigDict(extra="ignore")

    version: Annotated[int | None, Field(ge=1)] = None
    enabled: bool | None = None
    auto_switch_enabled: bool | None = None
    manual_replica_enabled: bool | None = None
    auto_terminate_enabled: bool | None = None
    terminate_wait_seconds: Annotated[int | None, Field(ge=0, le=DAY_SECONDS)] = None
    terminate_wait_minutes: Annotated[int | None, Field(ge=0, le=DAY_SECONDS // 60)] = None
    replica_enabled: bool | None = None
    replica_count: Annotated[int | None, Field(ge=0, le=5)] = None
    min_savings_percent: _Percent = None
    risk_threshold: _Share = None
    max_switches_per_day: Annotated[int | None, Field(ge=0, le=100)] = None
    max_switches_per_week: Annotated[int | None, Field(ge=0, le=700)] = None
    min_pool_duration_hours: Annotated[int | None, Field(ge=0, le=720)] = None

    @model_validator(mode="before")
    @classmethod
    def _take_camel_case(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        renamed = {_CAMEL.get(name, name): value for name, value in values.items()}
        return {**renamed, **{name: values[name] for name in values if name in cls.model_fields}}

    def wish(self) -> SettingsWish:
        """Return the settings that are asked for."""
        return SettingsWish(**self.model_dump(exclude={"version"}))


class ChangesQuery(Query):
    """Which part of the history."""

    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=LONGEST_OFFSET)


@routes.post("/<agent_id>/toggle-enabled", summary="Enable or disable an agent")
def toggle_enabled(path: AgentPath, body: ToggleBody) -> dict[str, Any]:
    """Set ``enabled``; without it, turn it over."""
    settings = container().operating.agent_settings
    if body.enabled is None:
        config = settings.toggle(tenant(), path.agent_id, actor())
    else:
        wish = SettingsWish(enabled=body.enabled)
        config = settings.update(tenant(), path.agent_id, wish, actor())
    return _changed(config)


@routes.post("/<agent_id>/settings", summary="Change an agent's settings")
def change_settings(path: AgentPath, body: SettingsBody) -> dict[str, Any]:
    """Answer the settings that hold now."""
    return _change(path, body)


@routes.post("/<agent_id>/config", summary="Change an agent's settings, as operators do")
def change_config(path: AgentPath, body: SettingsBody) -> dict[str, Any]:
    """Answer the settings that hold now; automatic switches and a manual replica exclude each other."""
    return _change(path, body)


@routes.get("/<agent_id>/config", summary="An agent's settings")
@guarded_by(CLIENT_USER_OR_VIEWER)
def show_config(path: AgentPath) -> dict[str, Any]:
    """Answer the settings with their version."""
    config = container().operating.agent_settings.get(tenant(), path.agent_id)
    return {"agent_id": path.agent_id, **_shown(config)}


@routes.get("/<agent_id>/config/history", summary="Who changed an agent's settings")
@guarded_by(CLIENT_USER_OR_VIEWER)
def list_config_changes(path: AgentPath, query: ChangesQuery) -> dict[str, Any]:
    """Answer the changes with before and after, newest first."""
    rows, total = container().operating.agent_settings.history(
        tenant(), path.agent_id, limit=query.limit, offset=query.offset
    )
    return {"changes": rows, "total": total, "limit": query.limit, "offset": query.offset}


@routes.delete("/<agent_id>", summary="Delete an agent; its instances keep running")
def delete_agent(path: AgentPath) -> dict[str, Any]:
    """Delete; a repeat is the same answer."""
    name = container().operating.agent_deletion.delete(tenant(), path.agent_id, actor())
    return {
        "success": True,
        "message": f"Agent {name} was deleted; its instances keep running",
        "agent_id": path.agent_id,
    }


@routes.get("/<agent_id>/statistics", summary="The figures of an agent")
@guarded_by(CLIENT_USER_OR_VIEWER)
def show_statistics(path: AgentPath) -> dict[str, Any]:
    """Answer its switches, the vitals of the last day, its price reports and savings."""
    figures = container().operating.agent_lists.figures(tenant(), path.agent_id)
    completed = [row for row in figures.switches if row["status"] == "completed"]
    health = figures.health
    samples, silent = int(health["sample_count"]), int(health["silent_count"] or 0)
    return {
        "agentId": path.agent_id,
        "totalSwitches": sum(row["switch_count"] for row in completed),
        "failedSwitches": sum(
            row["switch_count"] for row in figures.switches if row["status"] == "failed"
        ),
        "switchesByCause": _by_cause(completed),
        "lastSwitch": max((row["last_ended_at"] for row in completed), default=None),
        "totalSavings": figures.saved,
        "savingsLast30Days": figures.saved_last_30_days,
        "recentReportsCount": int(figures.price_reports["report_count"]),
        "lastReport": figures.price_reports["last_received_at"],
        "last24Hours": {
            "since": figures.since,
            "samples": samples,
            "heardPercent": round((samples - silent) / samples * 100, 2) if samples else None,
            "cpuPercent": known(health["cpu_percent"]),
            "memoryPercent": known(health["memory_percent"]),
            "diskPercent": known(health["disk_percent"]),
        },
    }


def _change(path: AgentPath, body: SettingsBody) -> dict[str, Any]:
    config = container().operating.agent_settings.update(
        tenant(), path.agent_id, body.wish(), actor(), expected_version=body.version
    )
    return _changed(config)


def _changed(config: AgentConfig) -> dict[str, Any]:
    return {"success": True, **_shown(config)}


def _shown(config: AgentConfig) -> dict[str, Any]:
    return {**to_wire(config), "terminateWaitMinutes": shown_wait_minutes(config)}


def _by_cause(rows: Any) -> dict[str, int]:
    return {row["cause"]: row["switch_count"] for row in rows}
