"""Notification channels and what was sent to them, as operators read them."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.administration import DoneWithMessage
from backend.api.answers.base import Answer
from backend.domain.notification_channels import ChannelKind, DeliveryStatus, Severity


class Channel(Answer):
    """A channel; ``target`` is what may be shown of where it leads."""

    id: str
    client_id: str | None
    name: str
    kind: ChannelKind
    target: str
    min_severity: Severity
    batch_seconds: int
    is_enabled: bool
    version: int
    failing_since: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ChannelList(Answer):
    """Channels by name, where they lead masked."""

    channels: list[Channel]
    total: int


class ChannelShown(Answer):
    """A channel, where it leads masked."""

    channel: Channel


class ChannelSaved(Answer):
    """The channel as it is now."""

    success: bool
    channel: Channel


class TrialOutcome(Answer):
    """How a test ended."""

    id: str
    delivered: bool
    error: str | None


class ChannelTested(Answer):
    """Whether the test message arrived; ``success`` says the same."""

    success: bool
    delivery: TrialOutcome


class Delivery(Answer):
    """One message: how many notifications, how often tried, how it stands."""

    id: str
    status: DeliveryStatus
    is_test: bool
    item_count: int
    attempts: int
    next_attempt_at: AwareDatetime
    last_error: str | None
    created_at: AwareDatetime
    ended_at: AwareDatetime | None


class DeliveryList(Answer):
    """What was sent to a channel, newest first."""

    deliveries: list[Delivery]
    total: int


ANSWERS: dict[str, dict[int, Any]] = {
    "admin_channels.list_channels": {200: ChannelList},
    "admin_channels.create_channel": {200: ChannelSaved, 201: ChannelSaved},
    "admin_channels.show_channel": {200: ChannelShown},
    "admin_channels.change_channel": {200: ChannelSaved},
    "admin_channels.delete_channel": {200: DoneWithMessage},
    "admin_channels.test_channel": {200: ChannelTested},
    "admin_channels.list_deliveries": {200: DeliveryList},
}
