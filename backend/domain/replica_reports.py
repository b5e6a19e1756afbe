"""What launchers and replicas say about a replica, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.replicas import LIVE_STATUSES, REPLICA_MACHINE, ReplicaStatus
from backend.errors import Conflict, Forbidden

_PROGRESS: Final = (ReplicaStatus.LAUNCHING, ReplicaStatus.SYNCING, ReplicaStatus.READY)
_BEYOND: Final = frozenset({ReplicaStatus.PROMOTING, ReplicaStatus.PROMOTED})


class SyncStatus(StrEnum):
    """How far a replica's data have come, in the words of installed dashboards."""

    INITIALIZING = "initializing"
    SYNCING = "syncing"
    SYNCED = "synced"
    OUT_OF_SYNC = "out-of-sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaView:
    """A replica as its row shows it; ``protocol`` is that of the agent that launches it."""

    id: str
    status: ReplicaStatus
    protocol: int
    instance_id: str | None

    @property
    def is_native(self) -> bool:
        """Whether an agent of ours runs on it and speaks for it."""
        return self.protocol >= NATIVE_PROTOCOL

    @property
    def is_live(self) -> bool:
        """Whether it may still serve, or is about to take over."""
        return self.status in LIVE_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaChange:
    """What a report changes; None leaves a column as it is. ``status`` is the one to have then."""

    status: ReplicaStatus
    instance_id: str | None = None
    mode: str | None = None
    pool_name: str | None = None
    az: str | None = None
    launched_at: datetime | None = None
    confirmed_running_at: datetime | None = None
    failure_reason: str | None = None
    sync_status: SyncStatus | None = None
    sync_latency_ms: int | None = None
    sync_progress_percent: float | None = None
    last_sync_at: datetime | None = None


def check_claim(replica: ReplicaView, instance_id: str) -> None:
    """Refuse a second instance for a replica that has one.

    Raises:
        Conflict: the replica is another instance; facts name both.
    """
    if replica.instance_id not in (None, instance_id):
        raise Conflict(
            f"This replica is {replica.instance_id}; {instance_id} cannot be it too",
            field="instance_id",
            bound_instance_id=replica.instance_id,
            claimed_instance_id=instance_id,
        )


def check_speaker(replica: ReplicaView, status: ReplicaStatus, speaker_id: str | None) -> None:
    """Let only the replica itself say that it is ready, where an agent of ours runs on it.

    Raises:
        Forbidden: somebody else says so.
    """
    if status is not ReplicaStatus.READY or not replica.is_native:
        return
    if speaker_id is None or speaker_id != replica.instance_id:
        raise Forbidden(
            "Only the replica's own instance may report it ready",
            replica_instance_id=replica.instance_id,
            instance_id=speaker_id,
        )


def next_status(replica: ReplicaView, reported: ReplicaStatus) -> ReplicaStatus:
    """Return the status that a report leaves a replica in.

    Messages overtake each other: one that is behind what we know (``syncing`` of a replica that is
    ready, or that was chosen to take over) changes nothing. A failure, and the end of a replica
    that an agent of ours launched, mean that its instance must be ended too: ``terminating``.

    Raises:
        IllegalTransition: the replica has ended, or cannot end that way; both states are named.
    """
    present = replica.status
    if reported in _PROGRESS:
        if present in _BEYOND:
            return present
        if present in _PROGRESS:
            return max(present, reported, key=_PROGRESS.index)
        raise REPLICA_MACHINE.illegal(present, reported)
    if reported is ReplicaStatus.FAILED:
        return _failed(replica)
    if reported is ReplicaStatus.TERMINATED:
        return _ended(replica)
    REPLICA_MACHINE.step(present, reported)
    return reported


def _failed(replica: ReplicaView) -> ReplicaStatus:
    if replica.status is ReplicaStatus.TERMINATED:
        return ReplicaStatus.TERMINATED  # late, or said again: it is over already
    if replica.status is ReplicaStatus.TERMINATING:
        # There is nothing to end where nothing was launched.
        is_over = replica.instance_id is None
        return ReplicaStatus.TERMINATED if is_over else ReplicaStatus.TERMINATING
    keeps_running = replica.is_live and replica.is_native and replica.instance_id is not None
    target = ReplicaStatus.TERMINATING if keeps_running else ReplicaStatus.FAILED
    REPLICA_MACHINE.step(replica.status, target)
    return target


def _ended(replica: ReplicaView) -> ReplicaStatus:
    if replica.is_live:  # nobody ordered it: it is a failure, and another one may be wanted
        return ReplicaStatus.FAILED
    if replica.status is ReplicaStatus.FAILED:
        return ReplicaStatus.FAILED
    REPLICA_MACHINE.step(replica.status, ReplicaStatus.TERMINATED)
    return ReplicaStatus.TERMINATED
