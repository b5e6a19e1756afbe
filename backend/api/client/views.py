"""What dashboards read of one client: routes 29, 32 to 34, 39 and the switches of ours."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import BaseModel, Field

from backend.api.blueprints import guarded_blueprint
from backend.api.context import container
from backend.api.csv_answers import csv_answer
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.pages import (
    LONGEST_OFFSET,
    TOTAL_HEADER,
    Filter64,
    NoFilter,
    Query,
    Shape,
    ShapedQuery,
    array_page,
    shape_of,
    visible_client,
)
from backend.api.shared_reads import read_together
from backend.api.wording import (
    agent_card,
    agent_past,
    agent_record,
    client_card,
    instance_card,
    instance_record,
    number,
    switch_card,
    switch_record,
)
from backend.domain.modes import Mode
from backend.services.client_overview import ClientDetail
from backend.services.instance_lists import InstanceWish

routes = guarded_blueprint(
    "client_views", guard=CLIENT_USER_OR_VIEWER, url_prefix="/api/client", tag="dashboards"
)

SwitchStatusFilter = Literal["completed", "failed", "open", "all"]
EXPORTED_COLUMNS = (
    "id",
    "agentId",
    "timestamp",
    "oldInstanceId",
    "newInstanceId",
    "fromMode",
    "toMode",
    "fromPool",
    "toPool",
    "trigger",
    "status",
    "price",
    "savingsImpact",
)


class ClientPath(BaseModel):
    """Which client."""

    client_id: str = Field(max_length=36)


class ClientQuery(ShapedQuery):
    """GET /api/client/{client_id}."""


class AgentHistoryQuery(ShapedQuery):
    """GET /api/client/{client_id}/agents/history."""


class InstancesQuery(ShapedQuery):
    """GET /api/client/{client_id}/instances."""

    status: Annotated[Literal["active", "terminated"] | None, NoFilter] = None
    mode: Annotated[Literal["spot", "ondemand", "unknown"] | None, NoFilter] = None
    search: Filter64 = None


class SwitchHistoryQuery(Query):
    """GET /api/client/{client_id}/switch-history."""

    limit: int = Field(100, ge=1, le=500)
    offset: int = Field(0, ge=0, le=LONGEST_OFFSET)
    instance_id: Filter64 = None
    status: SwitchStatusFilter = "completed"


class SwitchesQuery(ShapedQuery):
    """GET /api/client/{client_id}/switches."""

    limit: int = Field(50, ge=1, le=500)
    instance_id: Filter64 = None
    status: SwitchStatusFilter = "completed"


class ExportQuery(Query):
    """How much of an export, and as what."""

    format: Literal["json", "csv"] = "json"
    limit: int = Field(10_000, ge=1, le=10_000)
    offset: int = Field(0, ge=0, le=LONGEST_OFFSET)


@routes.get("/<client_id>", summary="One client with its figures")
@read_together
def show_client(path: ClientPath, query: ClientQuery) -> dict[str, Any]:
    """Answer the figures; a client's own dashboard also gets switches and agents."""
    client_id = visible_client(path.client_id)
    if shape_of(query) is Shape.CAMEL:
        return client_card(container().operating.client_overview.get(client_id))
    return _detail(container().operating.client_overview.detail(client_id))


@routes.get("/<client_id>/agents", summary="A client's agents, those heard last first")
@read_together
def list_agents(path: ClientPath, query: ShapedQuery) -> Response | dict[str, Any]:
    """Answer the agents that are not deleted."""
    page = container().operating.agent_lists.page(
        visible_client(path.client_id), limit=query.limit, offset=query.offset
    )
    if shape_of(query) is Shape.CAMEL:
        return array_page([agent_card(row) for row in page.rows], page.total)
    return {"agents": [agent_record(row) for row in page.rows], "total": page.total}


@routes.get("/<client_id>/agents/history", summary="A client's agents, deleted ones included")
@read_together
def list_past_agents(path: ClientPath, query: AgentHistoryQuery) -> Response:
    """Answer online agents, then offline, then deleted ones."""
    page = container().operating.agent_lists.page(
        visible_client(path.client_id),
        include_deleted=True,
        by_status=True,
        limit=query.limit,
        offset=query.offset,
    )
    return array_page([agent_past(row) for row in page.rows], page.total)


@routes.get("/<client_id>/instances", summary="A client's instances, the youngest first")
@read_together
def list_instances(path: ClientPath, query: InstancesQuery) -> Response | dict[str, Any]:
    """Answer the instances that pass the filters."""
    wish = InstanceWish(
        is_active=None if query.status is None else query.status == "active",
        mode=query.mode,
        search=query.search,
    )
    page = container().operating.instance_lists.page(
        visible_client(path.client_id), wish, limit=query.limit, offset=query.offset
    )
    if shape_of(query) is Shape.CAMEL:
        return array_page([instance_card(row) for row in page.rows], page.total)
    return {"instances": [instance_record(row) for row in page.rows], "total": page.total}


@routes.get("/<client_id>/switch-history", summary="A client's switches, the youngest first")
@read_together
def list_switch_history(path: ClientPath, query: SwitchHistoryQuery) -> Response:
    """Answer completed switches unless ``status`` asks for others."""
    page = container().operating.switch_history.page(
        visible_client(path.client_id),
        status=_status(query.status),
        instance_id=query.instance_id,
        limit=query.limit,
        offset=query.offset,
    )
    return array_page([switch_card(row) for row in page.rows], page.total)


@routes.get("/<client_id>/switches", summary="A client's switches, page by page")
@read_together
def list_switches(path: ClientPath, query: SwitchesQuery) -> Response | dict[str, Any]:
    """Answer completed switches unless ``status`` asks for others."""
    page = container().operating.switch_history.page(
        visible_client(path.client_id),
        status=_status(query.status),
        instance_id=query.instance_id,
        limit=query.limit,
        offset=query.offset,
    )
    if shape_of(query) is Shape.CAMEL:
        return array_page([switch_card(row) for row in page.rows], page.total)
    return {
        "switches": [switch_record(row) for row in page.rows],
        "total": page.total,
        "limit": query.limit,
        "offset": query.offset,
    }


@routes.get("/<client_id>/export/switch-history", summary="A client's switches as a file")
@read_together
def export_switch_history(path: ClientPath, query: ExportQuery) -> Response | dict[str, Any]:
    """Answer up to 10,000 switches of every status, as CSV or JSON."""
    client_id = visible_client(path.client_id)
    page = container().operating.switch_history.page(
        client_id, status=None, limit=query.limit, offset=query.offset
    )
    switches = [switch_card(row) for row in page.rows]
    if query.format == "json":
        return {"clientId": client_id, "switches": switches, "total": page.total}
    answer = csv_answer("switch-history.csv", EXPORTED_COLUMNS, switches)
    answer.headers[TOTAL_HEADER] = str(page.total)
    return answer


def _status(asked: SwitchStatusFilter) -> str | None:
    return None if asked == "all" else asked


def _detail(detail: ClientDetail) -> dict[str, Any]:
    client = detail.client
    return {
        "id": client["id"],
        "name": client["name"],
        "email": client["email"],
        "status": "active" if client["status"] == "active" else "inactive",
        "total_agents": int(client["agents_total"]),
        "online_agents": int(client["agents_online"]),
        "active_instances": int(client["instances"]),
        "spot_instances": int(client["spot_instances"]),
        "total_switches": int(detail.switches["total"]),
        "switches_today": int(detail.switches["recent"]),
        "total_savings": number(detail.saved.total),
        "monthly_savings": number(detail.saved.last_30_days),
        "last_sync_at": client["last_seen_at"],
        "recent_switches": [switch_record(row) for row in detail.recent_switches],
        "active_agents": [
            {
                "id": row["id"],
                "status": row["status"],
                "hostname": row["hostname"],
                "instance_id": row["primary_instance_id"],
                "instance_type": row["instance_type"],
                "region": row["region"],
                "current_mode": row["mode"] or Mode.UNKNOWN,
            }
            for row in detail.active_agents
        ],
    }
