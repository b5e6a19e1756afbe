"""How an emergency ends that nobody brought to an end. Pure; says plainly what was lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.domain.interruptions import InterruptionStatus

PATIENCE: Final = timedelta(minutes=15)  # after the deadline: a replacement may still be booting
OUTLIVED: Final = timedelta(minutes=5)  # EC2 is late by seconds, never by so much


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueEvent:
    """An open notice or loss, long after its deadline.

    Attributes:
        is_of_primary: It concerns what was and still is the primary.
        ends_at: The deadline, or when the signal came where it named none.
        heard_at: The last word of the instance that it concerns.
        replica_status: Of the replacement that was ordered for it, None without one.
        failure: Why that one failed.
    """

    is_of_primary: bool
    is_drill: bool
    ends_at: datetime
    heard_at: datetime | None
    replica_status: str | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class EventEnding:
    """The status an event ends with, and a machine word that says why."""

    status: InterruptionStatus
    reason: str


def end_of(event: OverdueEvent) -> EventEnding:
    """Judge how an overdue event ended."""
    if event.replica_status == "promoted" or not event.is_of_primary:
        reason = "replaced" if event.replica_status == "promoted" else "not_the_primary"
        return EventEnding(_moved(event), reason)
    if event.is_drill:
        return EventEnding(InterruptionStatus.STOOD_DOWN, "rehearsal_timed_out")
    if event.heard_at is not None and event.heard_at > event.ends_at + OUTLIVED:
        return EventEnding(InterruptionStatus.STOOD_DOWN, "host_outlived_deadline")
    if event.replica_status is None:
        return EventEnding(InterruptionStatus.LOST, "no_replacement")
    return EventEnding(InterruptionStatus.LOST, "replacement_failed")


def _moved(event: OverdueEvent) -> InterruptionStatus:
    is_saved = event.replica_status == "promoted"
    return InterruptionStatus.FAILED_OVER if is_saved else InterruptionStatus.STOOD_DOWN
