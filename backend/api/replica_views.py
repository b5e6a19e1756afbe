"""Replicas as agents, dashboards and their owners read them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from backend.domain.replicas import LIVE_STATUSES, ReplicaStatus

Row = Mapping[str, Any]

# Installed dashboards know six states; the exact one is in ``state``.
_RECORDED = {
    ReplicaStatus.PROMOTING: ReplicaStatus.SYNCING,
    ReplicaStatus.TERMINATING: ReplicaStatus.TERMINATED,
}


def replica_to_wire(row: Row, now: datetime) -> dict[str, Any]:
    """Return a replica in the recorded shape, with the top-level names that agents 4.0.0 need."""
    pool = pool_to_wire(row)
    return {
        **_core(row, pool),
        "type": row["kind"],
        "pool_id": pool["id"],
        "az": pool["az"],
        "region": row["region"],
        "instance_type": row["instance_type"],
        "mode": row["mode"],
        "agent_id": row["agent_id"],
        "event_id": row["event_id"],
        "parent_instance_id": row["parent_instance_id"],
        "failure_reason": row["failure_reason"],
        "age_seconds": int(((row["ended_at"] or now) - row["created_at"]).total_seconds()),
        "tags": orjson.loads(row["tags"]) if row["tags"] else {},
    }


def standby_to_wire(row: Row) -> dict[str, Any]:
    """Return a replica with its primary, as the client's page of installed dashboards reads it."""
    primary = None
    if row["primary_instance_id"] is not None:
        primary = {
            "instanceId": row["primary_instance_id"],
            "instanceType": row["primary_instance_type"],
            "region": row["primary_region"],
            "az": row["primary_az"],
            "mode": row["primary_mode"],
        }
    replica = _core(row, pool_to_wire(row))
    instance_id = replica.pop("instance_id")
    return {
        "agentId": row["agent_id"],
        "logicalAgentId": row["logical_agent_id"],
        "primary": primary,
        "replica": {**replica, "instanceId": instance_id, "type": row["kind"]},
    }


def pool_to_wire(row: Row) -> dict[str, Any]:
    """Return where the replica is, or, before its launch, where it is tried first."""
    name = row["pool_name"]
    if name is None and row["instance_id"] is None:
        name = next(iter(orjson.loads(row["pools"])), None)
    az = row["az"] or (name.rpartition(".")[2] if name else None)
    return {
        "id": name,
        "name": name,
        "instance_type": row["instance_type"],
        "region": row["region"],
        "az": az,
    }


def _core(row: Row, pool: Mapping[str, Any]) -> dict[str, Any]:
    status = ReplicaStatus(row["status"])
    return {
        "id": row["id"],
        "instance_id": row["instance_id"] or f"replica-{row['id'][:8]}",
        "status": _shown_status(row, status),
        "state": status,
        "sync_status": row["sync_status"],
        "sync_latency_ms": row["sync_latency_ms"],
        "state_transfer_progress": float(row["sync_progress_percent"]),
        "pool": pool,
        "cost": {
            "hourly": _number(row["price_usd_per_hour"]),
            "total": _number(row["cost_usd"]) or 0.0,
        },
        "created_by": row["created_by"],
        "created_at": row["created_at"],
        "ready_at": row["ready_at"],
        "terminated_at": row["ended_at"],
        "is_active": status in LIVE_STATUSES,
    }


def _shown_status(row: Row, status: ReplicaStatus) -> ReplicaStatus:
    if status is ReplicaStatus.PROMOTING and row["instance_id"] is None:
        return ReplicaStatus.LAUNCHING
    return _RECORDED.get(status, status)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
