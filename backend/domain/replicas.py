"""Replicas: standby instances of an agent."""

from enum import StrEnum
from typing import Final

from backend.domain.state_machine import StateMachine


class ReplicaStatus(StrEnum):
    """Where a replica stands."""

    LAUNCHING = "launching"
    SYNCING = "syncing"
    READY = "ready"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FAILED = "failed"


# Ending is open to every replica that has not ended and has not become the primary.
_ENDINGS: Final = frozenset({ReplicaStatus.TERMINATING, ReplicaStatus.FAILED})

LIVE_STATUSES: Final = frozenset(
    {
        ReplicaStatus.LAUNCHING,
        ReplicaStatus.SYNCING,
        ReplicaStatus.READY,
        ReplicaStatus.PROMOTING,
    }
)

REPLICA_MACHINE: Final[StateMachine[ReplicaStatus]] = StateMachine(
    name="replica",
    transitions={
        # "ready" straight away: installed agents never repeat a lost "syncing".
        ReplicaStatus.LAUNCHING: _ENDINGS
        | {ReplicaStatus.SYNCING, ReplicaStatus.READY, ReplicaStatus.PROMOTING},
        ReplicaStatus.SYNCING: _ENDINGS | {ReplicaStatus.READY, ReplicaStatus.PROMOTING},
        ReplicaStatus.READY: _ENDINGS | {ReplicaStatus.PROMOTING},
        ReplicaStatus.PROMOTING: _ENDINGS | {ReplicaStatus.PROMOTED},
        ReplicaStatus.PROMOTED: frozenset(),
        ReplicaStatus.TERMINATING: frozenset({ReplicaStatus.TERMINATED}),
        ReplicaStatus.TERMINATED: frozenset(),
        ReplicaStatus.FAILED: frozenset(),
    },
)
