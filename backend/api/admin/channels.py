"""Notification channels: where notifications go beside the dashboard."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from backend.api.admin.fields import AdminBody, ShortName
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, container
from backend.api.guards import OPERATOR_ACT, OPERATOR_ADMIN, OPERATOR_VIEW
from backend.api.pages import Filter64, PageQuery
from backend.domain.notification_channels import Severity
from backend.services.channel_targets import Target
from backend.services.notification_channels import (
    ChannelChange,
    ChannelWish,
    NotificationChannels,
)

routes = guarded_blueprint(
    "admin_channels", guard=OPERATOR_ADMIN, url_prefix="/api/admin/channels", tag="notifications"
)

BatchSeconds = Annotated[int, Field(ge=0, le=3600)]


class ChannelPath(BaseModel):
    """Which channel."""

    channel_id: str


class ChannelsQuery(PageQuery):
    """Which part of the list."""

    limit: int = Field(100, ge=1, le=500)
    client_id: Filter64 = None


class DeliveriesQuery(PageQuery):
    """Which part of the log."""

    limit: int = Field(50, ge=1, le=500)


class NewChannelBody(AdminBody):
    """A channel to be made."""

    name: ShortName
    target: Target
    client_id: str | None = Field(
        None, max_length=36, description="Whose notifications; null: everybody's and nobody's"
    )
    min_severity: Severity = Severity.WARNING
    batch_seconds: BatchSeconds = 30
    is_enabled: bool = True


class ChangedChannelBody(AdminBody):
    """What shall be another; what is absent stays as it is."""

    name: ShortName | None = None
    target: Target | None = None
    min_severity: Severity | None = None
    batch_seconds: BatchSeconds | None = None
    is_enabled: bool | None = None
    version: int | None = Field(
        None, ge=1, description="The version that was read; another one answers 409"
    )


@routes.get("", summary="Channels by name, where they lead masked")
@guarded_by(OPERATOR_VIEW)
def list_channels(query: ChannelsQuery) -> dict[str, Any]:
    """Answer a page of channels."""
    rows, total = _service().page(query.client_id, limit=query.limit, offset=query.offset)
    return {"channels": rows, "total": total}


@routes.post("", summary="Make a channel")
def create_channel(body: NewChannelBody) -> tuple[dict[str, Any], int]:
    """Answer the channel: 201 when it is new, 200 when the same one existed."""
    wish = ChannelWish(
        name=body.name,
        target=body.target,
        min_severity=body.min_severity,
        batch_seconds=body.batch_seconds,
        is_enabled=body.is_enabled,
        client_id=body.client_id,
    )
    channel, is_new = _service().create(wish, actor())
    return {"success": True, "channel": channel}, 201 if is_new else 200


@routes.get("/<channel_id>", summary="A channel, where it leads masked")
@guarded_by(OPERATOR_VIEW)
def show_channel(path: ChannelPath) -> dict[str, Any]:
    """Answer the channel."""
    return {"channel": _service().get(path.channel_id)}


@routes.patch("/<channel_id>", summary="Change a channel")
def change_channel(path: ChannelPath, body: ChangedChannelBody) -> dict[str, Any]:
    """Answer the channel as it is now; a repeat is the same answer."""
    change = ChannelChange(
        name=body.name,
        target=body.target,
        min_severity=body.min_severity,
        batch_seconds=body.batch_seconds,
        is_enabled=body.is_enabled,
    )
    channel = _service().update(path.channel_id, change, body.version, actor())
    return {"success": True, "channel": channel}


@routes.delete("/<channel_id>", summary="Delete a channel with its log")
def delete_channel(path: ChannelPath) -> dict[str, Any]:
    """Delete for good."""
    _service().delete(path.channel_id, actor())
    return {"success": True, "message": "The channel was deleted"}


@routes.post("/<channel_id>/test", summary="Send a test message now")
@guarded_by(OPERATOR_ACT)
def test_channel(path: ChannelPath) -> dict[str, Any]:
    """Answer whether it arrived, after at most 15 seconds."""
    outcome = _service().test(path.channel_id, actor())
    return {"success": outcome["delivered"], "delivery": outcome}


@routes.get("/<channel_id>/deliveries", summary="What was sent to a channel, newest first")
@guarded_by(OPERATOR_VIEW)
def list_deliveries(path: ChannelPath, query: DeliveriesQuery) -> dict[str, Any]:
    """Answer a page of the log."""
    rows, total = _service().list_deliveries(
        path.channel_id, limit=query.limit, offset=query.offset
    )
    return {"deliveries": rows, "total": total}


def _service() -> NotificationChannels:
    return container().operating.channels
