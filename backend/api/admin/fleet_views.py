"""All tenants' agents, instances and pools: routes 50 and 51, agent health, pool statistics."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container
from backend.api.guards import OPERATOR_VIEW
from backend.api.pages import Envelope, Filter64, NoFilter, PageQuery, array_page
from backend.api.shared_reads import read_together
from backend.api.wording import agent_of_fleet, instance_of_fleet, known
from backend.services.instance_lists import InstanceWish

routes = guarded_blueprint(
    "admin_fleet", guard=OPERATOR_VIEW, url_prefix="/api/admin", tag="operators' dashboard"
)


class EnvelopeQuery(PageQuery):
    """Which part; ``shape=array`` answers the array alone."""

    limit: int = Field(500, ge=1, le=500)
    shape: Annotated[Envelope, Field()] = Envelope.OBJECT


class AdminInstancesQuery(EnvelopeQuery):
    """GET /api/admin/instances."""

    status: Annotated[Literal["active", "terminated"] | None, NoFilter] = None
    mode: Annotated[Literal["spot", "ondemand", "unknown"] | None, NoFilter] = None
    region: Filter64 = None
    search: Filter64 = None
    client_id: Filter64 = None


class AdminAgentsQuery(EnvelopeQuery):
    """GET /api/admin/agents."""

    status: Annotated[Literal["online", "offline", "deleted"] | None, NoFilter] = None
    client_id: Filter64 = None


class AgentHealthQuery(PageQuery):
    """GET /api/admin/agent-health."""

    client_id: Filter64 = None


class PoolsQuery(PageQuery):
    """GET /api/admin/pool-statistics."""

    client_id: Filter64 = None
    region: Filter64 = None
    instance_type: Filter64 = None


@routes.get("/instances", summary="Everybody's instances, the youngest first")
@read_together
def list_instances(query: AdminInstancesQuery) -> Response | dict[str, Any]:
    """Answer the instances that pass the filters; ``total`` counts all of them."""
    wish = InstanceWish(
        is_active=None if query.status is None else query.status == "active",
        mode=query.mode,
        region=query.region,
        search=query.search,
        search_names=True,
    )
    page = container().operating.instance_lists.page(
        query.client_id, wish, limit=query.limit, offset=query.offset
    )
    items = [instance_of_fleet(row) for row in page.rows]
    if query.shape is Envelope.ARRAY:
        return array_page(items, page.total)
    filters = {"status": query.status, "mode": query.mode, "region": query.region}
    return {"instances": items, "total": page.total, "filters": filters}


@routes.get("/agents", summary="Everybody's agents, those heard last first")
@read_together
def list_agents(query: AdminAgentsQuery) -> Response | dict[str, Any]:
    """Answer agents, deleted ones included; ``total`` counts all that pass the filters."""
    page = container().operating.agent_lists.page(
        query.client_id,
        status=query.status,
        include_deleted=True,
        limit=query.limit,
        offset=query.offset,
    )
    items = [agent_of_fleet(row) for row in page.rows]
    if query.shape is Envelope.ARRAY:
        return array_page(items, page.total)
    return {"agents": items, "total": page.total, "filters": {"status": query.status}}


@routes.get("/agent-health", summary="How agents are, and how many are how")
@read_together
def show_agent_health(query: AgentHealthQuery) -> dict[str, Any]:
    """Answer the last vitals of each agent; unknown ones are null."""
    page, counts = container().operating.agent_lists.health(
        query.client_id, limit=query.limit, offset=query.offset
    )
    return {
        "summary": {name: int(value or 0) for name, value in counts.items()},
        "agents": [
            {
                "id": row["id"],
                "name": row["logical_agent_id"],
                "client": row["client_name"],
                "clientId": row["client_id"],
                "status": row["status"],
                "enabled": bool(row["enabled"]),
                "instanceId": row["primary_instance_id"],
                "lastHeartbeat": row["last_seen_at"],
                "version": row["agent_version"],
                "cpuPercent": known(row["cpu_percent"]),
                "memoryPercent": known(row["memory_percent"]),
                "diskPercent": known(row["disk_percent"]),
            }
            for row in page.rows
        ],
        "total": page.total,
    }


@routes.get("/pool-statistics", summary="Pools with a fresh price, cheapest first")
@read_together
def show_pool_statistics(query: PoolsQuery) -> dict[str, Any]:
    """Answer price, risk and losses; one row for each client that sees a pool."""
    rows, counts = container().operating.pool_statistics.read(
        client_id=query.client_id,
        region=query.region,
        instance_type=query.instance_type,
        limit=query.limit,
        offset=query.offset,
    )
    return {
        "pools": [_pool(row) for row in rows],
        "total": int(counts["pool_count"]),
        "summary": {
            "regions": int(counts["region_count"]),
            "instanceTypes": int(counts["type_count"]),
            "lowestPrice": known(counts["lowest_price"]),
            "highestPrice": known(counts["highest_price"]),
            "averagePrice": known(counts["average_price"]),
        },
    }


def _pool(row: Any) -> dict[str, Any]:
    return {
        "id": row["pool_id"],
        "name": row["pool_id"],
        "clientId": row["client_id"],
        "clientName": row["client_name"],
        "region": row["region"],
        "az": row["az"],
        "instanceType": row["instance_type"],
        "price": known(row["price_usd_per_hour"]),
        "observedAt": row["observed_at"],
        "onDemandPrice": known(row["ondemand_price_usd_per_hour"]),
        "riskScore": known(row["risk_score"]),
        "recommendation": row["recommendation"],
        "losses": row["loss_count"],
        "lastLossAt": row["last_loss_at"],
        "volatility": known(row["volatility_ratio"]),
        "computedAt": row["computed_at"],
    }
