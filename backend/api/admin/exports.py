"""The whole installation as a file."""

from typing import Any

from flask import Response

from backend.api.admin.overview import stats_of
from backend.api.blueprints import guarded_blueprint
from backend.api.client.views import ExportQuery
from backend.api.context import container
from backend.api.csv_answers import csv_answer
from backend.api.guards import OPERATOR_VIEW
from backend.api.pages import TOTAL_HEADER
from backend.api.shared_reads import read_together
from backend.api.wording import client_card

routes = guarded_blueprint(
    "admin_exports", guard=OPERATOR_VIEW, url_prefix="/api/admin/export", tag="exports"
)

COLUMNS = (
    "id",
    "name",
    "email",
    "status",
    "agentsOnline",
    "agentsTotal",
    "instances",
    "totalSavings",
    "lastSync",
    "createdAt",
)


@routes.get("/global-stats", summary="All clients with their figures, as a file")
@read_together
def export_global_stats(query: ExportQuery) -> Response | dict[str, Any]:
    """Answer up to 10,000 clients as CSV, or as JSON with the totals."""
    overview = container().operating.client_overview
    page = overview.page(limit=query.limit, offset=query.offset)
    clients = [client_card(row) for row in page.rows]
    if query.format == "json":
        totals = overview.totals()
        return {
            "generatedAt": totals.at,
            "stats": stats_of(totals),
            "clients": clients,
            "total": page.total,
        }
    answer = csv_answer("global-stats.csv", COLUMNS, clients)
    answer.headers[TOTAL_HEADER] = str(page.total)
    return answer
