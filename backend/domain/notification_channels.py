"""Channels: what is told, in which words, and how often it is tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MOST_ATTEMPTS = 8  # the last one an hour after the first
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ITEMS = 500  # notifications in one message; more make another one
MOST_LINES = 20  # of which so many are spelled out, the gravest first
LONGEST_HINT = 255


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


class Severity(StrEnum):
    """How grave a notification is; each is graver than the ones before it."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class DeliveryStatus(StrEnum):
    """Where a message stands: gathering, on its way, waiting to be tried again, or ended."""

    COLLECTING = "collecting"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    Attributes:
        delivery_id: The same in every attempt, so that a receiver can drop a repetition.
        title: One line without anything that a user could have written.
        lines: One line for each notification that is spelled out.
        severity: The gravest of all.
        items: The same notifications as data.
    """

    delivery_id: str
    title: str
    lines: tuple[str, ...]
    severity: Severity
    items: tuple[Mapping[str, Any], ...] = ()

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def pause_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many failed attempts (1 or more); None: give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(FIRST_PAUSE * (1 << (attempts - 1)), LONGEST_PAUSE)


def message_of(delivery_id: str, rows: Sequence[Mapping[str, Any]], total: int) -> Message:
    """Return the message about ``total`` notifications, of which ``rows`` are the gravest.

    Rows have id, notification_type, severity, message, client_id, client_name, agent_id,
    logical_agent_id and created_at, and are sorted as they shall be read.
    """
    order = list(Severity)
    gravest = max((Severity(row["severity"]) for row in rows), key=order.index)
    noun = "notification" if total == 1 else "notifications"
    lines = [_line(row) for row in rows]
    if total > len(rows):
        lines.append(f"and {total - len(rows)} more; see the dashboard")
    title = f"Spot Optimizer: {total} {noun}, gravest: {gravest}"
    return Message(delivery_id, title, tuple(lines), gravest, tuple(map(_item, rows)))


def trial_message(delivery_id: str, channel_name: str) -> Message:
    """Return what the test button sends."""
    line = f"This is a test of the channel {channel_name}. Nothing has happened."
    return Message(delivery_id, "Spot Optimizer: test", (line,), Severity.INFO)


def _line(row: Mapping[str, Any]) -> str:
    who = " / ".join(str(name) for name in (row["client_name"], row["logical_agent_id"]) if name)
    about = f" ({who})" if who else ""
    return f"[{row['severity']}] {_iso(row['created_at'])} {row['message']}{about}"


def _item(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "id": row["id"],
        "type": row["notification_type"],
        "severity": row["severity"],
        "message": row["message"],
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "time": _iso(row["created_at"]),
    }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
