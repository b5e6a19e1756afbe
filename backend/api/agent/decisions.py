"""What the engine advises for one agent, and the limits that no engine can override."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backend.api.agent.schemas import AgentPath, Tolerant
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, container, tenant
from backend.api.guards import CLIENT_ANY_OR_OPERATOR, CLIENT_USER_OR_OPERATOR
from backend.domain.decision_limits import limits_to_wire
from backend.services.decision_records import Judged
from decision_engines.contract import Action, Mode, PoolFacts

routes = guarded_blueprint(
    "agent_decisions", guard=CLIENT_ANY_OR_OPERATOR, url_prefix="/api/agents", tag="decisions"
)
limit_routes = guarded_blueprint(
    "decision_limits", guard=CLIENT_ANY_OR_OPERATOR, url_prefix="/api/agents", tag="decisions"
)

MOST_ALTERNATIVES = 5


class DecideInstance(Tolerant):
    """What the caller says of the instance. The backend's own record decides."""

    instance_id: Annotated[str | None, Field(max_length=64)] = None


class DecideBody(Tolerant):
    """POST /api/agents/{agent_id}/decide."""

    instance: DecideInstance
    pricing: dict[str, Any]


class LimitsBody(BaseModel):
    """PUT /api/agents/{agent_id}/decision-limits: what is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    min_savings_percent: Annotated[float | None, Field(ge=0, le=100, allow_inf_nan=False)] = None
    risk_threshold: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    max_switches_per_day: Annotated[int | None, Field(ge=0, le=100)] = None
    max_switches_per_week: Annotated[int | None, Field(ge=0, le=500)] = None
    min_pool_duration_hours: Annotated[int | None, Field(ge=0, le=720)] = None
    max_price_age_seconds: Annotated[int | None, Field(ge=60, le=86_400)] = None
    return_stable_minutes: Annotated[int | None, Field(ge=0, le=10_080)] = None
    max_pool_share_percent: Annotated[int | None, Field(ge=1, le=100)] = None
    max_moved_percent: Annotated[int | None, Field(ge=1, le=100)] = None
    maintenance_windows: Annotated[list[dict[str, Any]] | None, Field(max_length=20)] = None


@routes.post("/<agent_id>/decide", summary="Decide about one agent now, and write it down")
def decide(path: AgentPath, body: DecideBody) -> dict[str, Any]:
    """Answer a decision; a permitted move is ordered by the next pass, not by this call."""
    container().deciding.choice.follow()
    judged = container().deciding.decisions.decide(tenant(), path.agent_id)
    given, decision = judged.subject.given, judged.answer.decision
    return {
        "instance_id": body.instance.instance_id or given.instance_id,
        "risk_score": decision.risk,
        "recommended_action": decision.action,
        "recommended_mode": judged.target_mode,
        "recommended_pool_id": decision.target_pool_id
        or (judged.present_pool_id if decision.action is Action.STAY else None),
        "expected_savings_per_hour": decision.expected_saving_usd_per_hour,
        "allowed": judged.verdict.is_allowed,
        "reason": judged.reason,
        **_grounds(judged),
    }


@routes.get("/<agent_id>/switch-recommendation", summary="What the engine advises now")
def switch_recommendation(path: AgentPath) -> dict[str, Any]:
    """Answer what the engine advises; writes nothing."""
    container().deciding.choice.follow()
    judged = container().deciding.decisions.recommend(tenant(), path.agent_id)
    given, decision, row = judged.subject.given, judged.answer.decision, judged.subject.row
    pool = judged.present_pool_id
    is_automatic = judged.subject.standing.is_auto_switch and judged.subject.standing.is_enabled
    return {
        "agent_id": path.agent_id,
        "decision_type": _decision_type(judged),
        "recommended_pool_id": decision.target_pool_id
        or (pool if decision.action is Action.STAY else None),
        "risk_score": decision.risk,
        "expected_savings": decision.expected_saving_usd_per_hour,
        "confidence": decision.confidence,
        "reason": judged.reason,
        "auto_switch_enabled": bool(row["auto_switch_enabled"]),
        "will_auto_execute": is_automatic and judged.verdict.is_allowed,
        "current_pool": {"id": pool, "name": pool, "az": given.az},
        "alternative_pools": [
            _pool(other) for other in given.candidates if other.is_usable(given.now)
        ][:MOST_ALTERNATIVES],
        **_grounds(judged),
    }


@limit_routes.get("/<agent_id>/decision-limits", summary="The limits of voluntary moves")
def show_limits(path: AgentPath) -> dict[str, Any]:
    """Answer every limit of one agent."""
    return limits_to_wire(container().deciding.limits.get(tenant(), path.agent_id))


@limit_routes.put("/<agent_id>/decision-limits", summary="Change limits of voluntary moves")
@guarded_by(CLIENT_USER_OR_OPERATOR)
def change_limits(path: AgentPath, body: LimitsBody) -> dict[str, Any]:
    """Change the named limits and answer all of them; repeatable."""
    changes = body.model_dump(exclude_none=True)
    limits = container().deciding.limits.change(tenant(), path.agent_id, changes, actor())
    return {"success": True, **limits_to_wire(limits)}


def _grounds(judged: Judged) -> dict[str, Any]:
    """Return who decided, and every reason of engine and guard."""
    answer = judged.answer
    return {
        "reasons": answer.decision.reasons,
        "guard": [
            {"code": reason, "reason": sentence} for reason, sentence in judged.verdict.refusals
        ],
        "source": answer.source,
        "fallback_cause": answer.cause,
        "engine": answer.engine.name,
        "engine_version": answer.engine.version,
        "model_version": answer.engine.model_version,
    }


def _decision_type(judged: Judged) -> str:
    """Return the recorded words: stay_spot, stay_ondemand, switch_to_spot, switch_to_ondemand."""
    action = judged.answer.decision.action
    if action is Action.STAY:
        is_spot = judged.subject.given.mode is Mode.SPOT
        return "stay_spot" if is_spot else "stay_ondemand"
    return "switch_to_spot" if action is Action.SWITCH_SPOT else "switch_to_ondemand"


def _pool(pool: PoolFacts) -> dict[str, Any]:
    return {
        "id": pool.pool_id,
        "name": pool.pool_id,
        "az": pool.az,
        "spot_price": float(pool.price),
        "risk_score": pool.risk,
    }
