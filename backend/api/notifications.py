"""What somebody should see: routes 59 to 61."""

from typing import Annotated, Any

from flask import Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, container, tenant
from backend.api.guards import CLIENT_USER_OR_OPERATOR, CLIENT_USER_OR_VIEWER
from backend.api.pages import Filter64, Query

routes = guarded_blueprint(
    "notifications", guard=CLIENT_USER_OR_OPERATOR, url_prefix="/api/notifications"
)

LARGEST_ID = 2**63 - 1


class NotificationsQuery(Query):
    """GET /api/notifications."""

    client_id: Filter64 = None
    limit: int = Field(10, ge=1, le=200)
    unread: bool = False


class NotificationPath(BaseModel):
    """Which notification."""

    notif_id: int = Field(ge=0, le=LARGEST_ID)


class MarkAllBody(BaseModel):
    """Whose; null means everybody's, for operators. A client always marks its own."""

    model_config = ConfigDict(extra="ignore")

    client_id: Annotated[str | None, Field(max_length=36)] = None


@routes.get("", summary="Notifications, newest first")
@guarded_by(CLIENT_USER_OR_VIEWER)
def list_notifications(query: NotificationsQuery) -> Response:
    """Answer a client's own; to operators those of all, or of one client and of nobody's."""
    own = tenant()
    service = container().operating.notifications
    if own is not None:
        rows = service.list_for_client(own, unread_only=query.unread, limit=query.limit)
    else:
        rows = service.list_for_operator(
            query.client_id, unread_only=query.unread, limit=query.limit
        )
    return jsonify([_shown(row) for row in rows])


@routes.post("/<notif_id>/mark-read", summary="Note that somebody has seen it")
def mark_read(path: NotificationPath) -> dict[str, Any]:
    """Mark; a repeat is the same answer."""
    container().operating.notifications.mark_read(tenant(), path.notif_id, actor())
    return {"success": True}


@routes.post("/mark-all-read", summary="Note that everything up to now was seen")
def mark_all_read(body: MarkAllBody) -> dict[str, Any]:
    """Answer how many that were."""
    marked = container().operating.notifications.mark_all_read(tenant() or body.client_id, actor())
    return {"success": True, "count": marked}


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "clientId": row["client_id"],
        "type": row["notification_type"],
        "message": row["message"],
        "severity": row["severity"],
        "isRead": bool(row["is_read"]),
        "time": row["created_at"],
    }
