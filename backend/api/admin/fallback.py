"""The emergency fallback in operators' hands: freezing it, and rehearsing it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from backend.api.admin.fields import AdminBody
from backend.api.blueprints import guarded_blueprint
from backend.api.context import actor, container
from backend.api.guards import OPERATOR_ACT
from backend.domain.freezing import FreezeLevel
from backend.services.freezes import Scope
from backend.services.rehearsals import Rehearsal

routes = guarded_blueprint(
    "admin_fallback", guard=OPERATOR_ACT, url_prefix="/api/admin", tag="emergency"
)


class AgentPath(BaseModel):
    """Which agent."""

    agent_id: str


class FreezeBody(AdminBody):
    """What is frozen, and how far."""

    scope: Scope
    id: str | None = Field(None, max_length=36, description="The client or agent")
    level: FreezeLevel


class RehearseBody(AdminBody):
    """Which emergency is rehearsed."""

    signal: Literal["rebalance-recommendation", "termination-notice"] = "termination-notice"
    with_replica: bool = Field(False, description="As if a replica stood ready")
    execute: bool = Field(False, description="Really order a standby and promote it")


@routes.put("/freeze", summary="Stop what the program does by itself, or let it go on")
def freeze(body: FreezeBody) -> dict[str, Any]:
    """Freeze; a repeat is the same answer."""
    container().freezes.set_level(body.scope, body.id, body.level, actor())
    return {"success": True, "scope": body.scope, "id": body.id, "level": body.level}


@routes.post("/agents/<agent_id>/rehearse", summary="Rehearse an interruption of an agent")
def rehearse(path: AgentPath, body: RehearseBody) -> dict[str, Any]:
    """Answer what would happen; nothing is touched unless ``execute``."""
    outcome = container().rehearsals.rehearse(
        path.agent_id,
        Rehearsal(signal=body.signal, with_replica=body.with_replica, is_executed=body.execute),
        actor(),
    )
    return {"success": True, **outcome}
