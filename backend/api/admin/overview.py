"""The installation at a glance: routes 47 to 49, 52 and 53, and the audit log."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from flask import Response, jsonify
from pydantic import Field

from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import container
from backend.api.guards import OPERATOR_ADMIN, OPERATOR_VIEW
from backend.api.pages import Days365, Filter64, PageQuery, Query, array_page
from backend.api.shared_reads import read_together
from backend.api.wording import client_card
from backend.services.client_overview import Totals

routes = guarded_blueprint(
    "admin_overview", guard=OPERATOR_VIEW, url_prefix="/api/admin", tag="operators' dashboard"
)

_SWITCHES = ("switch_", "manual_switch_")
_AGENTS = ("agent_",)
SHOWN_MODELS = 10  # as the recorded page does


class GrowthQuery(Query):
    """GET /api/admin/clients/growth."""

    days: Days365 = 30


class ActivityQuery(Query):
    """GET /api/admin/activity."""

    limit: int = Field(50, ge=1, le=200)
    client_id: Filter64 = None


class AuditQuery(Query):
    """GET /api/admin/audit-log."""

    limit: int = Field(50, ge=1, le=500)
    client_id: Filter64 = None
    action: Filter64 = None
    subject_id: Filter64 = None
    before: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None


@routes.get("/stats", summary="The figures of the whole installation")
@read_together
def show_stats() -> dict[str, Any]:
    """Answer counts of what there is now, and of every switch that was completed."""
    services = container()
    return {
        **stats_of(services.operating.client_overview.totals()),
        "backendHealth": "Healthy" if services.health.check().is_ready else "Degraded",
        "decisionEngineLoaded": services.deciding.host.is_loaded,
        "mlModelsLoaded": _model_status(services.modelling.versions.versions())["loaded"],
    }


@routes.get("/clients", summary="Clients, the newest first")
@read_together
def list_clients(query: PageQuery) -> Response:
    """Answer clients with what they own."""
    page = container().operating.client_overview.page(limit=query.limit, offset=query.offset)
    return array_page([client_card(row) for row in page.rows], page.total)


@routes.get("/clients/growth", summary="The number of clients day by day")
def show_growth(query: GrowthQuery) -> Response:
    """Answer UTC days, oldest first; today counts up to now."""
    return jsonify(
        [
            {
                "date": day.on.isoformat(),
                "total": day.total,
                "count": day.total,
                "new": day.new,
                "active": day.active,
            }
            for day in container().operating.client_overview.growth(query.days)
        ]
    )


@routes.get("/activity", summary="What happened lately")
def list_activity(query: ActivityQuery) -> Response:
    """Answer events that are no errors, newest first."""
    rows = container().operating.activity.newest(query.client_id, limit=query.limit)
    return jsonify(
        [
            {
                "id": position,
                "type": _kind(row["event_type"]),
                "text": row["message"],
                "time": row["created_at"],
                "event": row["event_type"],
                "severity": row["severity"],
            }
            for position, row in enumerate(rows, 1)
        ]
    )


@routes.get("/system-health", summary="The state of this installation")
def show_system_health() -> dict[str, Any]:
    """Answer what works, and which models are live."""
    services = container()
    health = services.health.check()
    idle, size = services.database.connections()
    engine = services.deciding.host
    return {
        "apiStatus": "Healthy" if health.is_ready else "Degraded",
        "database": "Connected" if health.parts["database"].is_ok else "Disconnected",
        "decisionEngine": "Loaded" if engine.is_loaded else "Not Loaded",
        "connectionPool": f"{idle}/{size}",
        "timestamp": health.at,
        "parts": health.as_dict(),
        "modelStatus": _model_status(services.modelling.versions.versions()),
        "decisionEngineStatus": {
            "loaded": engine.is_loaded,
            "type": engine.name,
            "version": None,
            "filesUploaded": 0,
            "files": [],
        },
    }


def _model_status(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say which models are live, with the newest files, in the recorded shape."""
    live = [row for row in rows if row["status"] == "live"]
    return {
        "loaded": bool(live),
        "name": live[0]["model_name"] if live else None,
        "version": live[0]["version"] if live else None,
        "filesUploaded": len(rows),
        "activeModels": [
            {"name": row["model_name"], "version": row["version"], "active": True}
            for row in live[:SHOWN_MODELS]
        ],
        "files": [
            {
                "name": row["file_name"],
                "size": row["file_size_bytes"],
                "modified": row["created_at"],
            }
            for row in rows[:SHOWN_MODELS]
        ],
    }


@routes.get("/audit-log", summary="Who did what")
@guarded_by(OPERATOR_ADMIN)
def list_audit_log(query: AuditQuery) -> dict[str, Any]:
    """Answer entries newest first; ``next`` is the value of ``before`` for the next page."""
    entries = container().operating.activity.audit_log(
        client_id=query.client_id,
        action=query.action,
        subject_id=query.subject_id,
        before_id=query.before,
        limit=query.limit,
    )
    is_full = len(entries) == query.limit
    return {"entries": entries, "next": entries[-1]["id"] if is_full else None}


def stats_of(totals: Totals) -> dict[str, Any]:
    """Return the figures of the whole installation, as routes and exports show them."""
    return {
        "totalAccounts": totals.clients,
        "agentsOnline": int(totals.fleet["agents_online"]),
        "agentsTotal": int(totals.fleet["agents_total"]),
        "poolsCovered": int(totals.fleet["pools_covered"]),
        "totalSavings": totals.saved,
        "totalSwitches": int(totals.switches["total"]),
        "manualSwitches": int(totals.switches["manual"]),
        "modelSwitches": int(totals.switches["model"]),
    }


def _kind(event_type: str) -> str:
    if event_type.startswith(_SWITCHES):
        return "switch"
    return "agent" if event_type.startswith(_AGENTS) else "event"
