"""Operators' accounts, for admins."""

from typing import Annotated, Any

from pydantic import BaseModel, SecretStr, StringConstraints

from backend.api.admin.fields import AdminBody
from backend.api.blueprints import guarded_blueprint
from backend.api.context import actor, container
from backend.api.guards import OPERATOR_ADMIN
from backend.services.callers import Role
from backend.services.operators import USERNAME_PATTERN

routes = guarded_blueprint(
    "admin_operators", guard=OPERATOR_ADMIN, url_prefix="/api/admin/operators", tag="operators"
)

Username = Annotated[str, StringConstraints(pattern=USERNAME_PATTERN)]


class OperatorPath(BaseModel):
    """Which operator."""

    operator_id: str


class NewOperatorBody(AdminBody):
    """An operator to be made."""

    username: Username
    password: SecretStr
    role: Role


class ChangeBody(AdminBody):
    """What changes; absent things stay."""

    role: Role | None = None
    is_active: bool | None = None
    password: SecretStr | None = None


@routes.get("", summary="All operators")
def list_operators() -> dict[str, Any]:
    """Answer at most 500, by name."""
    found = container().operators.list()
    return {"operators": found, "total": len(found)}


@routes.post("", summary="Make an operator")
def create_operator(body: NewOperatorBody) -> tuple[dict[str, Any], int]:
    """Answer the operator."""
    operator = container().operators.create(
        body.username, body.password.get_secret_value(), body.role, actor()
    )
    return {"success": True, "operator": operator}, 201


@routes.patch("/<operator_id>", summary="Change role, activity or password")
def change_operator(path: OperatorPath, body: ChangeBody) -> dict[str, Any]:
    """Answer the operator as they are now."""
    operator = container().operators.update(
        path.operator_id,
        actor(),
        role=body.role,
        is_active=body.is_active,
        password=body.password.get_secret_value() if body.password else None,
    )
    return {"success": True, "operator": operator}


@routes.delete("/<operator_id>", summary="Delete an operator")
def delete_operator(path: OperatorPath) -> dict[str, Any]:
    """Delete with sessions and API keys."""
    container().operators.delete(path.operator_id, actor())
    return {"success": True, "message": "The operator was deleted"}
