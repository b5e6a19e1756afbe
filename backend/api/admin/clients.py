"""Clients and their tokens, for operators: routes 43 to 46 of the recorded contract, and ours."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.api.admin.fields import AdminBody, Email, LifeDays, Name, ShortName, expiry_of
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, container
from backend.api.guards import OPERATOR_ADMIN, OPERATOR_VIEW
from backend.services.callers import Scope

routes = guarded_blueprint(
    "admin_clients", guard=OPERATOR_ADMIN, url_prefix="/api/admin/clients", tag="clients"
)

SHOWN_ONCE = "Tokens are shown once, when they are made; regenerate it to get a new one"


class ClientPath(BaseModel):
    """Which client."""

    client_id: str


class TokenPath(ClientPath):
    """Which token of which client."""

    token_id: str


class NewClientBody(BaseModel):
    """A client to be made."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, hide_input_in_errors=True)

    name: Name
    email: Email | None = None


class NewTokenBody(AdminBody):
    """A token to be made."""

    name: ShortName
    scope: Scope = Scope.AGENT
    expires_in_days: LifeDays = None


class RegenerateBody(BaseModel):
    """How the old token ends; an empty body gives it 24 hours."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    revoke_now: bool = Field(False, description="End the old token at once")


@routes.post("/create", summary="Make a client; its token is shown here and never again")
def create_client(body: NewClientBody) -> dict[str, Any]:
    """Answer the client with its first token (scope both)."""
    row, token = container().clients.create(body.name, body.email, actor())
    client = {"id": row["id"], "name": row["name"], "token": token, "status": row["status"]}
    return {"success": True, "client": client}


@routes.delete("/<client_id>", summary="Delete a client and everything of theirs")
def delete_client(path: ClientPath) -> dict[str, Any]:
    """Delete for good."""
    name = container().clients.delete(path.client_id, actor())
    return {"success": True, "message": f"Client {name} was deleted"}


@routes.post("/<client_id>/regenerate-token", summary="Replace the client's default token")
def regenerate_token(path: ClientPath, body: RegenerateBody) -> dict[str, Any]:
    """Answer the new token; the old one works 24 more hours unless ``revoke_now``."""
    revoke_now = body.revoke_now
    token = container().client_tokens.regenerate(path.client_id, actor(), revoke_now=revoke_now)
    ends = "has ended" if revoke_now else "works for 24 more hours"
    return {
        "success": True,
        "token": token,
        "message": f"The token was replaced; the old one {ends}",
    }


@routes.get("/<client_id>/token", summary="The default token, masked")
@guarded_by(OPERATOR_VIEW)
def show_token(path: ClientPath) -> dict[str, Any]:
    """Answer the masked token: only its hash is stored."""
    name, token = container().client_tokens.show(path.client_id)
    return {"token": token, "client_name": name, "masked": True, "message": SHOWN_ONCE}


@routes.get("/<client_id>/tokens", summary="A client's tokens, masked")
@guarded_by(OPERATOR_VIEW)
def list_tokens(path: ClientPath) -> dict[str, Any]:
    """Answer at most 200 tokens, newest first."""
    tokens = container().client_tokens.list(path.client_id)
    return {"tokens": tokens, "total": len(tokens)}


@routes.post("/<client_id>/tokens", summary="Make another token; it is shown here, never again")
def create_token(path: ClientPath, body: NewTokenBody) -> tuple[dict[str, Any], int]:
    """Answer the token with its text."""
    expires_at = expiry_of(body.expires_in_days)
    token = container().client_tokens.create(
        path.client_id, body.name, body.scope, expires_at, actor()
    )
    return {"success": True, **token}, 201


@routes.delete("/<client_id>/tokens/<token_id>", summary="End a token for good")
def revoke_token(path: TokenPath) -> dict[str, Any]:
    """Revoke; a repeat is the same answer."""
    container().client_tokens.revoke(path.client_id, path.token_id, actor())
    return {"success": True, "message": "The token was revoked"}


@routes.post("/<client_id>/suspend", summary="Refuse all of a client's tokens")
def suspend_client(path: ClientPath) -> dict[str, Any]:
    """Suspend; a repeat is the same answer."""
    container().clients.suspend(path.client_id, actor())
    return {"success": True, "status": "suspended"}


@routes.post("/<client_id>/resume", summary="Accept a client's tokens again")
def resume_client(path: ClientPath) -> dict[str, Any]:
    """Resume; a repeat is the same answer."""
    container().clients.resume(path.client_id, actor())
    return {"success": True, "status": "active"}
