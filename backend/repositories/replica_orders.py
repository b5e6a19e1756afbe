"""Replica orders: the one write that asks for a replica and tells somebody to launch it."""

from datetime import datetime, timedelta

import orjson

from backend.db.session import Session
from backend.db.statements import beside
from backend.domain.commands import lease_duration
from backend.domain.replica_orders import ReplicaOrder, ServingReplica, expires_at

_SQL = beside(__file__)


def request_replica(
    session: Session, client_id: str, agent_id: str, order: ReplicaOrder, *, now: datetime
) -> ServingReplica | None:
    """Order a replica, or find the one that serves already; ``is_new`` tells which.

    Needs an autocommit session: the procedure is sealed. Idempotent by event and by standby slot.

    Returns:
        None when the client has no such agent, or its epoch is not the expected one.
    """
    row = session.row(
        _SQL["request_replica"],
        {
            "now": now,
            "client_id": client_id,
            "agent_id": agent_id,
            "expected_epoch": order.expected_epoch,
            "replica_id": order.replica_id,
            "kind": order.kind,
            "status": "promoting" if order.promotes else "launching",
            "event_id": order.event_id,
            "besides_replica_id": order.besides,
            "instance_type": order.instance_type,
            "region": order.region,
            "mode": order.mode,
            "pools": orjson.dumps(order.pools).decode(),
            "allows_ondemand": order.allows_ondemand,
            "protocol": order.protocol,
            "tags": orjson.dumps(dict(order.tags)).decode(),
            "max_price_usd_per_hour": order.max_price_usd_per_hour,
            "created_by": order.created_by,
            "executor_instance_id": order.executor_instance_id,
            "is_handed_out": order.is_handed_out,
            "command_id": order.command_id if order.is_commanded else None,
            "payload": orjson.dumps(order.payload()).decode(),
            "priority": order.priority,
            "lease_seconds": int(lease_duration(order.protocol, 0).total_seconds()),
            "expires_at": expires_at(now),
            "message": (
                f"A replica ({order.kind}) is ordered: {', '.join(order.pools[:3]) or 'on-demand'}"
            ),
        },
    )
    if row is None:
        return None
    return ServingReplica(
        replica_id=row["id"],
        status=row["status"],
        event_id=row["event_id"],
        command_id=row["command_id"],
        instance_id=row["instance_id"],
        protocol=row["protocol"],
        holder_instance_id=row["holder_instance_id"],
        is_doomed=row["doomed_at"] is not None,
        is_new=bool(row["is_new"]),
        epoch=row["epoch"],
    )


def lease_order(
    session: Session,
    *,
    command_id: str,
    instance_id: str,
    protocol: int,
    lease: timedelta,
    now: datetime,
) -> bool:
    """Make a waiting launch command the lease of the instance that is answered with it now."""
    params = {
        "command_id": command_id,
        "instance_id": instance_id,
        "protocol": protocol,
        "lease_expires_at": now + lease,
        "now": now,
    }
    return session.run(_SQL["lease_order"], params) == 1
