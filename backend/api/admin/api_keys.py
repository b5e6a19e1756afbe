"""API keys: every operator has their own; an admin sees and ends everybody's."""

from typing import Any

from pydantic import BaseModel

from backend.api.admin.fields import AdminBody, LifeDays, ShortName, expiry_of
from backend.api.blueprints import guarded_blueprint
from backend.api.context import actor, container, operator_caller
from backend.api.guards import OPERATOR_VIEW
from backend.services.callers import Role

routes = guarded_blueprint(
    "admin_api_keys", guard=OPERATOR_VIEW, url_prefix="/api/admin/api-keys", tag="operators"
)


class KeyPath(BaseModel):
    """Which key."""

    key_id: str


class NewKeyBody(AdminBody):
    """A key to be made."""

    name: ShortName
    expires_in_days: LifeDays = None


@routes.get("", summary="API keys, masked")
def list_api_keys() -> dict[str, Any]:
    """Answer at most 500, newest first."""
    keys = container().api_keys.list(_reach())
    return {"api_keys": keys, "total": len(keys)}


@routes.post("", summary="Make an API key for yourself; it is shown here, never again")
def create_api_key(body: NewKeyBody) -> tuple[dict[str, Any], int]:
    """Answer the key with its text. It may do what its operator may do."""
    owner = operator_caller().operator_id
    key = container().api_keys.create(owner, body.name, expiry_of(body.expires_in_days), actor())
    return {"success": True, **key}, 201


@routes.delete("/<key_id>", summary="End an API key for good")
def revoke_api_key(path: KeyPath) -> dict[str, Any]:
    """Revoke; a repeat is the same answer."""
    container().api_keys.revoke(path.key_id, _reach(), actor())
    return {"success": True, "message": "The API key was revoked"}


def _reach() -> str | None:
    """Return whose keys the caller may touch: their own, or everybody's for an admin."""
    caller = operator_caller()
    return None if caller.role is Role.ADMIN else caller.operator_id
