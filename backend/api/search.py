"""Find clients, agents and instances by a part of their names."""

from typing import Any

from pydantic import Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container, tenant
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.pages import Query
from backend.api.shared_reads import read_together

routes = guarded_blueprint("search", guard=CLIENT_USER_OR_VIEWER, url_prefix="/api/search")


class SearchQuery(Query):
    """GET /api/search."""

    q: str = Field(min_length=2, max_length=64)


@routes.get("", summary="Find by name: at most ten of each kind")
@read_together
def search(query: SearchQuery) -> dict[str, Any]:
    """Answer what contains the text; a client finds only its own."""
    found = container().operating.search.find(tenant(), query.q)
    return {
        "clients": found.clients,
        "agents": [
            {
                "id": row["agent_id"],
                "name": row["logical_agent_id"],
                "client": row["client_name"],
                "status": row["status"],
            }
            for row in found.agents
        ],
        "instances": [
            {
                "id": row["instance_id"],
                "name": f"{row['instance_id']} ({row['instance_type']})",
                "client": row["client_name"],
            }
            for row in found.instances
        ],
    }
