"""A client's replicas, as its users and operators see them."""

from typing import Any

from pydantic import BaseModel, Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container, tenant
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.replica_views import standby_to_wire

routes = guarded_blueprint(
    "client_replicas", guard=CLIENT_USER_OR_VIEWER, url_prefix="/api/client", tag="replicas"
)


class ClientPath(BaseModel):
    """The client in a path."""

    client_id: str = Field(max_length=36)


@routes.get("/<client_id>/replicas", summary="A client's replicas and their primaries")
def list_client_replicas(path: ClientPath) -> list[dict[str, Any]]:
    """Answer the live replicas, newest first; none for a client that is not the caller's."""
    if tenant() not in (None, path.client_id):
        return []
    rows = container().replica_lists.list_of_client(path.client_id)
    return [standby_to_wire(row) for row in rows]
