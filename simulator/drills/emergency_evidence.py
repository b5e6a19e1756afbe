"""What the Smart Emergency Fallback leaves behind: signals, standby instances, words to people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from simulator.drills.evidence import Evidence
from simulator.light.diary import Notice

LIVE_REPLICAS = frozenset({"launching", "syncing", "ready", "promoting"})
OPEN_EVENTS = frozenset({"detected", "responding", "launched"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEntry:
    """A signal in the books."""

    event_id: str
    agent_id: str
    instance_id: str
    signal_type: str
    status: str
    subject_role: str
    received_at: datetime
    reason: str | None = None
    new_instance_id: str | None = None
    committed_at: datetime | None = None
    verified_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody knows yet what became of it."""
        return self.status in OPEN_EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaEntry:
    """A standby instance, or a replacement, in the books."""

    replica_id: str
    agent_id: str
    kind: str
    status: str
    event_id: str | None = None
    instance_id: str | None = None
    failure_reason: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is on its way, or stands by."""
        return self.status in LIVE_REPLICAS


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationEntry:
    """What people were told."""

    agent_id: str | None
    notification_type: str
    severity: str
    message: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyBooks:
    """What the backend has written down about emergencies."""

    events: Sequence[EventEntry] = ()
    replicas: Sequence[ReplicaEntry] = ()
    notifications: Sequence[NotificationEntry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyEvidence:
    """Both sides of an emergency.

    Attributes:
        base: Region and books, as in every drill.
        books: The backend's, about emergencies.
        doors: Agent's logical id to the doors through which its users come.
        led_to: (door, instance) to the instant from which it led there.
        holders: Door to whom it leads at the end.
        notices: The diary of the light agents.
        fresh_epochs: Agent id to its epoch before anything happened.
    """

    base: Evidence
    books: EmergencyBooks
    doors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    led_to: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    fresh_epochs: Mapping[str, int] = field(default_factory=dict)
