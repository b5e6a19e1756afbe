"""What all clients together have saved."""

from typing import Any

from pydantic import Field

from backend.api.blueprints import guarded_blueprint
from backend.api.client.savings import periods_of
from backend.api.guards import OPERATOR_VIEW
from backend.api.pages import Query

routes = guarded_blueprint(
    "admin_savings", guard=OPERATOR_VIEW, url_prefix="/api/admin", tag="operators' dashboard"
)


class AdminSavingsQuery(Query):
    """GET /api/admin/savings."""

    range: str = Field("monthly", max_length=32)


@routes.get("/savings", summary="What all clients together have saved, month by month")
def show_savings(query: AdminSavingsQuery) -> list[dict[str, Any]]:
    """Answer the last 12 months or weeks, or 30 days, oldest first; nothing for another range."""
    return periods_of(None, query.range)
