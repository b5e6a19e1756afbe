"""A client's agents with their last decisions. Route 30 of the recorded contract."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container, tenant
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.shared_reads import read_together
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.errors import NotFound
from backend.services.decision_views import AgentDecisions

routes = guarded_blueprint(
    "client_decisions", guard=CLIENT_USER_OR_VIEWER, url_prefix="/api/client", tag="decisions"
)

MINUTE = timedelta(minutes=1)
MINUTES_PER_HOUR = 60


class ClientPath(BaseModel):
    """The client in a path."""

    client_id: str = Field(max_length=36)


class DecisionsQuery(BaseModel):
    """Which page of agents."""

    limit: Annotated[int, Field(ge=1, le=200)] = 100
    offset: Annotated[int, Field(ge=0, le=100_000)] = 0


@routes.get("/<client_id>/agents/decisions", summary="Agents with their last decisions")
@read_together
def list_decisions(path: ClientPath, query: DecisionsQuery) -> list[dict[str, Any]]:
    """Answer agents, online first; in the recorded names, and in those of installed dashboards."""
    if tenant() not in (None, path.client_id):
        raise NotFound("Unknown client", field="client_id")
    found = container().deciding.views.list_agents(
        path.client_id, limit=query.limit, offset=query.offset
    )
    return [_to_wire(item) for item in found]


def _to_wire(item: AgentDecisions) -> dict[str, Any]:
    agent = item.agent
    mode = Mode(agent["mode"] or Mode.UNKNOWN)
    reports = _reports(item)
    return {
        "agentId": agent["id"],
        "agentName": agent["logical_agent_id"],
        "status": agent["status"],
        "currentMode": mode,
        "currentPoolId": pool_of(agent["instance_type"], agent["az"], mode),
        "isHealthy": item.is_healthy,
        "lastHeartbeat": _ago(agent["last_seen_at"], item.now),
        "lastDecision": _last_decision(item),
        "decisionHistory": _history(item),
        "recentActivity": {"pricingReports": reports, "systemEvents": _events(item)},
        "healthStatus": {
            "overall": "healthy" if item.is_healthy else "unhealthy",
            "heartbeat": "active" if item.is_heard else "stale",
            "activity": "active" if item.is_active else "inactive",
            "recentReportsCount": item.recent_report_count,
            "decisionCount": len(item.decisions),
        },
        "pricingHealth": {
            "status": "healthy" if item.recent_report_count else "unhealthy",
            "recentReportsCount": item.recent_report_count,
            "recentReports": reports,
        },
    }


def _history(item: AgentDecisions) -> list[dict[str, Any]]:
    return [
        {
            "type": row["action"],
            "action": row["action"],
            "riskScore": _number(row["risk_score"]) or None,
            "expectedSavings": _number(row["expected_savings_usd_per_hour"]) or None,
            "currentMode": row["present_mode"],
            "guard": row["guard_outcome"],
            "source": row["source"],
            "time": row["created_at"],
        }
        for row in item.decisions
    ]


def _reports(item: AgentDecisions) -> list[dict[str, Any]]:
    return [
        {
            "time": row["observed_at"],
            "onDemandPrice": _number(row["ondemand_price_usd_per_hour"]),
            "spotPrice": _number(row["spot_price_usd_per_hour"]),
        }
        for row in item.reports
    ]


def _events(item: AgentDecisions) -> list[dict[str, Any]]:
    return [
        {
            "type": row["event_type"],
            "severity": row["severity"],
            "message": row["message"],
            "time": row["created_at"],
        }
        for row in item.events
    ]


def _last_decision(item: AgentDecisions) -> dict[str, Any]:
    if not item.decisions:
        return {"type": None, "time": None, "elapsed": None}
    last = item.decisions[0]
    minutes = max(int((item.now - last["created_at"]) / MINUTE), 0)
    is_hours = minutes >= MINUTES_PER_HOUR
    value = minutes // MINUTES_PER_HOUR if is_hours else minutes
    return {
        "type": last["action"],
        "time": last["created_at"],
        "elapsed": {
            "minutes": minutes,
            "formatted": f"{value}h" if is_hours else f"{value} min",
            "value": value,
            "unit": "hours" if is_hours else "minutes",
        },
    }


def _ago(instant: datetime | None, now: datetime) -> str | None:
    if instant is None:
        return None
    minutes = max(int((now - instant) / MINUTE), 0)
    if minutes < 1:
        return "< 1 min ago"
    if minutes < MINUTES_PER_HOUR:
        return f"{minutes} min ago"
    return f"{minutes // MINUTES_PER_HOUR}h ago"


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
