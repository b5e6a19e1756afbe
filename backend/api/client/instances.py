"""What a client's users and operators ask of one instance."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import actor, api_request, container, tenant
from backend.api.guards import CLIENT_USER_OR_OPERATOR
from backend.api.switches import idempotency_key, mode_of
from backend.domain.commands import Priority
from backend.errors import InvalidRequest
from backend.services.switch_requests import SwitchRequest

routes = guarded_blueprint(
    "client_instances", guard=CLIENT_USER_OR_OPERATOR, url_prefix="/api/client/instances"
)


class InstancePath(BaseModel):
    """The instance in a path."""

    instance_id: str = Field(max_length=64)


class ForceSwitchBody(BaseModel):
    """POST /api/client/instances/{instance_id}/force-switch."""

    model_config = ConfigDict(extra="ignore")

    target: Annotated[str | None, Field(max_length=16)] = None
    pool_id: Annotated[str | None, Field(max_length=128)] = None
    new_instance_type: Annotated[str | None, Field(max_length=64)] = None
    allow_ondemand: bool = False


@routes.post("/<instance_id>/force-switch", summary="Move the agent of an instance at once")
def force_switch(path: InstancePath, body: ForceSwitchBody) -> dict[str, Any]:
    """Order a switch whether or not auto-switch is on."""
    if body.target == "pool" and not body.pool_id:
        raise InvalidRequest("target pool needs a pool_id", field="pool_id")
    order = container().switch_requests.request_by_instance(
        tenant(),
        path.instance_id,
        SwitchRequest(
            target_mode=mode_of(body.target, field="target", spot_words=("pool", "spot")),
            pool_id=body.pool_id or None,
            instance_type=body.new_instance_type or None,
            allow_ondemand=body.allow_ondemand,
            priority=Priority.MANUAL,
            reason=None,
            requested_by=actor().name,
            actor=actor(),
            idempotency_key=idempotency_key(api_request()),
        ),
    )
    if order.command_id is None:
        return {
            "success": False,
            "message": "The agent runs there already",
            "current_mode": order.current_mode,
            "current_pool_id": order.current_pool_id,
        }
    return {"success": True, "command_id": order.command_id, "message": "Switch requested"}
