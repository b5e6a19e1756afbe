"""From rows to the situation that a decision rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.domain.fencing import Role
from backend.domain.freezing import FreezeLevel, strictest
from backend.domain.replicas import ReplicaStatus
from backend.sef.policy import Signal, Situation, Standby, Successor

Row = Mapping[str, Any]


def situation_of(
    row: Row, replicas: Sequence[Row], successor: Row | None, *, subject_id: str, is_sef_on: bool
) -> Situation:
    """Build the situation from the three sets of ``record_interruption``."""
    return Situation(
        signal=Signal(row["signal_type"]),
        subject_id=subject_id,
        subject_role=Role(row["role"]),
        is_committed=row["committed_at"] is not None,
        is_sef_on=is_sef_on,
        is_enabled=bool(row["enabled"]),
        is_frozen=_is_frozen(row),
        primary_is_noticed=row["primary_notices"] > 0,
        standbys=[_standby(replica) for replica in replicas],
        successor=_successor(successor),
        stood_down_count=row["stood_down_count"],
        last_stood_down_at=row["last_stood_down_at"],
    )


def _is_frozen(row: Row) -> bool:
    levels = (row["global_freeze"], row["client_freeze"], row["agent_freeze"])
    return strictest(*levels) is FreezeLevel.ALL


def _standby(row: Row) -> Standby:
    return Standby(
        replica_id=row["id"],
        status=ReplicaStatus(row["status"]),
        instance_id=row["instance_id"],
        protocol=row["protocol"],
        is_doomed=row["doomed_at"] is not None,
        heard_at=row["last_seen_at"],
        confirmed_at=row["confirmed_running_at"],
        created_at=row["created_at"],
    )


def _successor(row: Row | None) -> Successor | None:
    if row is None or row["role"] != Role.SUCCESSOR or row["terminated_at"] is not None:
        return None
    return Successor(
        switch_id=row["switch_id"],
        instance_id=row["instance_id"],
        is_doomed=row["notices"] > 0,
        heard_at=row["last_seen_at"],
    )
