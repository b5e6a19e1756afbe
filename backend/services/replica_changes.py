"""Changing a replica within a transaction, and ending one for real."""

import logging
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta

import orjson

from backend.db.database import Transaction
from backend.db.session import Row
from backend.domain.commands import NATIVE_PROTOCOL, CommandStatus, CommandType, Priority
from backend.domain.modes import Mode
from backend.domain.pools import parse_pool_name
from backend.domain.replica_reports import ReplicaChange, ReplicaView
from backend.domain.replicas import ReplicaStatus
from backend.errors import Conflict, UniqueViolation
from backend.repositories import commands, events, instances, pool_reliability, pools, replicas

logger = logging.getLogger(__name__)

PRICE_KNOWN = timedelta(hours=24)  # an older one says little of what is paid now
RETIRE_WITHIN = timedelta(hours=24)  # then an operator is told that the instance still runs
AGENT_COLUMNS = ("id", "client_id", "logical_agent_id", "primary_instance_id")


def view_of(row: Row) -> ReplicaView:
    """Return what a report is judged on."""
    return ReplicaView(
        id=row["id"],
        status=ReplicaStatus(row["status"]),
        protocol=row["protocol"],
        instance_id=row["instance_id"],
    )


def change(
    tx: Transaction,
    *,
    client_id: str,
    agent_id: str,
    replica: ReplicaView,
    wanted: ReplicaChange,
    now: datetime,
) -> bool:
    """Write a judged change; False when the replica is not as it was judged any more.

    Raises:
        Conflict: the instance is another replica of this agent.
    """
    try:
        applied = replicas.advance_replica(
            tx,
            {
                "now": now,
                "client_id": client_id,
                "agent_id": agent_id,
                "replica_id": replica.id,
                "expected_status": replica.status,
                **asdict(wanted),
            },
        )
    except UniqueViolation as error:
        raise Conflict(
            f"{wanted.instance_id} is another replica of this agent already",
            field="instance_id",
            claimed_instance_id=wanted.instance_id,
        ) from error
    if applied and wanted.status is not replica.status:
        logger.info(
            "Replica %s is %s now",
            replica.id,
            wanted.status,
            extra={
                "action": "replica_advanced",
                "agent_id": agent_id,
                "replica_id": replica.id,
                "status": str(wanted.status),
                "instance_id": wanted.instance_id or replica.instance_id,
            },
        )
    return applied


def end_replica(
    tx: Transaction, agent: Row, row: Row, *, reason: str, now: datetime
) -> ReplicaStatus | None:
    """Really retire a live replica: call off its launch, or have its instance ended.

    Args:
        tx: The transaction; the caller commits.
        agent: A row with the columns ``AGENT_COLUMNS``.
        row: The replica: id, status, protocol, instance_id, command_id, held_until.
        reason: Why, for people; kept with the replica.
        now: The present.

    Returns:
        Its status now, ``terminated`` where nothing was launched; None when it has changed.
    """
    replica = view_of(row)
    client_id, agent_id = agent["client_id"], agent["id"]
    ending = ReplicaChange(status=ReplicaStatus.TERMINATING, failure_reason=reason)
    if not change(
        tx, client_id=client_id, agent_id=agent_id, replica=replica, wanted=ending, now=now
    ):
        return None
    _tell(tx, agent, "replica_retired", "info", f"Replica {replica.id}: {reason}", now)
    if replica.instance_id is not None:
        order_retirement(tx, agent, replica.id, replica.instance_id, now)
        return ReplicaStatus.TERMINATING
    if not _is_never_launched(tx, agent_id, row, now):
        return ReplicaStatus.TERMINATING  # its launcher may still come with an instance
    ended = ReplicaView(
        id=replica.id,
        status=ReplicaStatus.TERMINATING,
        protocol=replica.protocol,
        instance_id=None,
    )
    over = ReplicaChange(status=ReplicaStatus.TERMINATED)
    change(tx, client_id=client_id, agent_id=agent_id, replica=ended, wanted=over, now=now)
    return ReplicaStatus.TERMINATED


def _is_never_launched(tx: Transaction, agent_id: str, row: Row, now: datetime) -> bool:
    """Make sure that nobody will launch it; False when somebody may be doing so."""
    if row["command_id"] is not None:
        return replicas.cancel_launch(
            tx,
            agent_id=agent_id,
            command_id=row["command_id"],
            message="The replica is not wanted any more",
            now=now,
        )
    return row["held_until"] is None


def order_retirement(
    tx: Transaction, agent: Row, replica_id: str, instance_id: str, now: datetime
) -> bool:
    """Have the primary end a replica's instance; False when it cannot, which is then said.

    Idempotent. Its row must be ``superseded`` (``advance_replica`` sees to it): the primary asks
    for the verdict of ``domain.retirement`` before it ends anything.
    """
    primary_id = agent["primary_instance_id"]
    primary = (
        instances.find_instance(tx, agent["client_id"], agent["id"], primary_id)
        if primary_id
        else None
    )
    if primary is None or primary["protocol"] < NATIVE_PROTOCOL:
        message = (
            f"{instance_id} was a replica of {agent['logical_agent_id']} and still runs: end it, "
            "the installed agent cannot"
        )
        _tell(tx, agent, "replica_needs_ending", "warning", message, now, notifies=True)
        return False
    key = f"retire-replica:{replica_id}:{instance_id}"[:128]
    if commands.find_command_by_key(tx, agent["id"], key):
        return True
    payload = {"instance_id": instance_id, "not_before": now, "replica_id": replica_id}
    commands.insert_command(
        tx,
        {
            "id": str(uuid.uuid4()),
            "client_id": agent["client_id"],
            "agent_id": agent["id"],
            "command_type": CommandType.RETIRE_INSTANCE,
            "instance_id": primary_id,
            "target_mode": None,
            "target_pool_id": None,
            "payload": orjson.dumps(payload, option=orjson.OPT_UTC_Z).decode(),
            "priority": Priority.ENGINE_URGENT,
            "terminate_wait_seconds": 0,
            "reason": "replica_retired",
            "created_by": "system",
            "idempotency_key": key,
            "status": CommandStatus.PENDING,
            "outcome_code": None,
            "message": None,
            "expires_at": now + RETIRE_WITHIN,
            "now": now,
            "ended_at": None,
        },
    )
    return True


def close_replica_of(
    tx: Transaction,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    reason: str,
    now: datetime,
) -> bool:
    """Close the replica whose instance has ended; False when it is none, or closed, or primary.

    One that nobody had ended has failed: another one may be wanted.
    """
    row = replicas.find_replica_of_instance(tx, agent_id, instance_id)
    if row is None:
        return False
    replica = view_of(row)
    if replica.is_live:
        wanted = ReplicaChange(
            status=ReplicaStatus.FAILED, failure_reason=f"Its instance has ended ({reason})"
        )
    elif replica.status is ReplicaStatus.TERMINATING:
        wanted = ReplicaChange(status=ReplicaStatus.TERMINATED)
    else:
        return False
    return change(
        tx, client_id=client_id, agent_id=agent_id, replica=replica, wanted=wanted, now=now
    )


def note_price(tx: Transaction, row: Row, wanted: ReplicaChange, now: datetime) -> None:
    """Note what the replica costs where it runs, as soon as place and price are known.

    ``row`` is the replica before the change.
    """
    if wanted.instance_id is None or row["price_usd_per_hour"] is not None:
        return
    if wanted.mode is Mode.ONDEMAND:
        price = pool_reliability.find_ondemand_price(
            tx,
            client_id=row["client_id"],
            region=row["region"],
            instance_type=row["instance_type"],
        )
    else:
        name = wanted.pool_name or row["pool_name"]
        if name is None:
            return
        pool = parse_pool_name(name)
        known = pools.list_fresh_prices(
            tx,
            client_id=row["client_id"],
            region=row["region"],
            instance_type=pool.instance_type,
            since=now - PRICE_KNOWN,
        )
        price = next((p["price_usd_per_hour"] for p in known if p["az"] == pool.az), None)
    if price is not None:
        replicas.set_price(tx, row["agent_id"], row["id"], price)


def tell_claimed_twice(
    tx: Transaction, agent: Row, replica: ReplicaView, instance_id: str, now: datetime
) -> None:
    """Write down that a second instance says it is this replica."""
    message = f"{instance_id} says it is replica {replica.id}, which is {replica.instance_id}"
    _tell(
        tx,
        agent,
        "replica_claimed_twice",
        "error",
        message,
        now,
        instance_id=instance_id,
        notifies=True,
    )


def _tell(
    tx: Transaction,
    agent: Row,
    event_type: str,
    severity: str,
    message: str,
    now: datetime,
    *,
    instance_id: str | None = None,
    notifies: bool = False,
) -> None:
    events.record_event(
        tx,
        event_type=event_type,
        severity=severity,
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=instance_id,
        now=now,
    )
    if notifies:
        events.notify(
            tx,
            notification_type=event_type,
            severity=severity,
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            now=now,
        )
