"""Notification channels, as operators read them; never the secret part of where they lead."""

from typing import Any, Literal

from pydantic import AwareDatetime

from backend.api.answers.administration import DoneWithMessage
from backend.api.answers.base import Answer


class Channel(Answer):
    """A channel; ``target`` is masked."""

    id: str
    client_id: str | None
    name: str
    kind: Literal["webhook", "slack", "email"]
    target: str
    min_severity: str
    batch_seconds: int
    is_enabled: bool
    version: int
    failing_since: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ChannelList(Answer):
    """A page of channels by name."""

    channels: list[Channel]
    total: int


class OneChannel(Answer):
    """A channel."""

    channel: Channel


class ChannelSaved(Answer):
    """The channel as it is now."""

    success: bool
    channel: Channel


class TriedDelivery(Answer):
    """Whether a test message arrived, and why not."""

    id: str
    delivered: bool
    error: str | None


class ChannelTested(Answer):
    """Send a test message; ``success`` tells whether it arrived."""

    success: bool
    delivery: TriedDelivery


class Delivery(Answer):
    """A message to a channel, with one notification or many."""

    id: str
    status: str
    is_test: bool
    item_count: int
    attempts: int
    next_attempt_at: AwareDatetime | None
    last_error: str | None
    created_at: AwareDatetime
    ended_at: AwareDatetime | None


class DeliveryList(Answer):
    """A page of the log, newest first."""

    deliveries: list[Delivery]
    total: int


ANSWERS: dict[str, dict[int, Any]] = {
    "admin_channels.change_channel": {200: ChannelSaved},
    "admin_channels.create_channel": {200: ChannelSaved, 201: ChannelSaved},
    "admin_channels.delete_channel": {200: DoneWithMessage},
    "admin_channels.list_channels": {200: ChannelList},
    "admin_channels.list_deliveries": {200: DeliveryList},
    "admin_channels.show_channel": {200: OneChannel},
    "admin_channels.test_channel": {200: ChannelTested},
}
