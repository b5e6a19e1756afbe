"""The rooms of the dashboard: the fleet, and a list of each thing in it."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from backend.api.blueprints import guarded_by
from backend.api.context import api_request, container
from backend.api.guards import ADMIN_PAGE
from backend.api.pages import Filter64, NoFilter, Query
from backend.api.shared_reads import read_once
from backend.dashboard.rendering import page_blueprint, room
from backend.services.instance_lists import InstanceWish
from backend.services.status import AgentWish

ROWS = 50  # on a page
NOTIFICATIONS = 200

rooms = page_blueprint("rooms")


class PagedQuery(Query):
    """Which page of a list, from 1."""

    page: int = Field(1, ge=1, le=10_000)

    @property
    def offset(self) -> int:
        """How many rows to pass over."""
        return (self.page - 1) * ROWS


class FleetQuery(PagedQuery):
    """GET /."""

    status: Annotated[Literal["online", "offline"] | None, NoFilter] = None
    search: Filter64 = None
    sort: Literal["name", "status", "seen", "price"] = "name"


class InstancesQuery(PagedQuery):
    """GET /instances."""

    status: Annotated[Literal["active", "terminated"] | None, NoFilter] = "active"
    mode: Annotated[Literal["spot", "ondemand", "unknown"] | None, NoFilter] = None
    search: Filter64 = None


class PoolsQuery(PagedQuery):
    """GET /pools."""

    region: Filter64 = None
    instance_type: Filter64 = None


class SwitchesQuery(PagedQuery):
    """GET /switches."""

    status: Annotated[Literal["completed", "failed", "open"] | None, NoFilter] = None


class NotificationsQuery(Query):
    """GET /notifications."""

    unread: bool = False


class AuditQuery(Query):
    """GET /audit; ``before`` continues below an entry."""

    action: Filter64 = None
    before: int | None = Field(None, ge=1)


@rooms.get("/")
def show_fleet(query: FleetQuery) -> Response:
    """Show what is at risk, what happened, and the agents."""
    services = container()
    wish = AgentWish(status=query.status, search=query.search, sort=query.sort, page=query.page)
    risks = read_once("risks", lambda: services.operating.agent_lists.states(None))
    return room(
        "dashboard/fleet.html",
        "fleet",
        query=query,
        status=read_once(wish, lambda: services.status.read(wish)),
        risks={name: int(value or 0) for name, value in risks.items()},
        events=services.operating.activity.newest(None, limit=12),
        server_url=api_request().host_url.rstrip("/"),
    )


@rooms.get("/instances")
def show_instances(query: InstancesQuery) -> Response:
    """Show instances, the youngest first."""
    wish = InstanceWish(
        is_active=None if query.status is None else query.status == "active",
        mode=query.mode,
        search=query.search,
        search_names=True,
    )
    lists = container().operating.instance_lists
    found = read_once(
        (wish, query.offset),
        lambda: lists.page(None, wish, limit=ROWS, offset=query.offset),
    )
    return _listed("instances", query, found.rows, found.total)


@rooms.get("/pools")
def show_pools(query: PoolsQuery) -> Response:
    """Show pools with a fresh price, the cheapest first."""
    rows, counts = container().operating.pool_statistics.read(
        region=query.region, instance_type=query.instance_type, limit=ROWS, offset=query.offset
    )
    return _listed("pools", query, rows, int(counts["pool_count"]))


@rooms.get("/switches")
def show_switches(query: SwitchesQuery) -> Response:
    """Show switches, the youngest first."""
    history = container().operating.switch_history
    found = read_once(
        ("switches", query.status, query.offset),
        lambda: history.page(None, status=query.status, limit=ROWS, offset=query.offset),
    )
    return _listed("switches", query, found.rows, found.total)


@rooms.get("/models")
def show_models() -> Response:
    """Show which models are live, and every other version."""
    services = container()
    return room(
        "dashboard/models.html",
        "models",
        rows=services.modelling.versions.versions(),
        judged=services.modelling.outcomes.calibration(),
        engine=services.deciding.host,
    )


@rooms.get("/notifications")
def show_notifications(query: NotificationsQuery) -> Response:
    """Show the newest notifications."""
    rows = container().operating.notifications.list_for_operator(
        None, unread_only=query.unread, limit=NOTIFICATIONS
    )
    return room("dashboard/notifications.html", "notifications", query=query, rows=rows)


@rooms.get("/audit")
@guarded_by(ADMIN_PAGE)
def show_audit(query: AuditQuery) -> Response:
    """Show who did what."""
    rows = container().operating.activity.audit_log(
        action=query.action, before_id=query.before, limit=ROWS
    )
    older = rows[-1]["id"] if len(rows) == ROWS else None
    return room("dashboard/audit.html", "audit", query=query, rows=rows, older=older)


@rooms.get("/system")
def show_system() -> Response:
    """Show the parts of this installation, and its jobs."""
    return room("dashboard/system.html", "health", jobs=container().status.jobs())


def _listed(name: str, query: PagedQuery, rows: object, total: int) -> Response:
    return room(
        f"dashboard/{name}.html",
        name,
        query=query,
        rows=rows,
        total=total,
        has_more=total > query.offset + ROWS,
    )
