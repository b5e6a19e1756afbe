"""What the coordinator writes for one agent: records of orders, endings, commands and events."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Row
from backend.domain.commands import NATIVE_PROTOCOL, CommandStatus, CommandType, Priority
from backend.domain.replica_orders import ReplicaOrder, expires_at
from backend.domain.replicas import ReplicaStatus
from backend.repositories.standbys import moment
from backend.sef.desired import Ending, Order
from backend.services.replica_changes import RETIRE_WITHIN

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The differences of one agent, with the rows that they were judged on."""

    agent: Row
    order: ReplicaOrder | None
    endings: Sequence[tuple[Ending, Row]]

    def order_record(self) -> Record | None:
        """Return the replica's row, None without an order."""
        order = self.order
        if order is None:
            return None
        return {
            "replica_id": order.replica_id,
            "client_id": self.agent["client_id"],
            "agent_id": self.agent["agent_id"],
            "kind": order.kind,
            "event_id": order.event_id,
            "besides": order.besides,
            "command_id": order.command_id if order.is_commanded else None,
            "executor_id": self.agent["primary_id"],
            "instance_type": order.instance_type,
            "region": order.region,
            "mode": order.mode,
            "pools": _json(order.pools),
            "protocol": order.protocol,
        }

    def ending_records(self) -> list[Record]:
        """Return which replicas get which status."""
        return [
            {
                "replica_id": ending.replica_id,
                "expected": row["status"],
                "target": _target(ending, row),
                "reason": ending.reason,
                "command_id": row["command_id"],
            }
            for ending, row in self.endings
        ]

    def command_records(self, in_books: set[str], now: datetime) -> list[Record]:
        """Return the commands for the primary: launch what is in the books, end what runs."""
        commands = []
        order = self.order
        if order is not None and order.is_commanded and order.replica_id in in_books:
            commands.append(
                _command(
                    self.agent,
                    CommandType.CREATE_REPLICA,
                    order.payload(),
                    command_id=order.command_id,
                    key=f"replica:{order.replica_id}",
                    priority=order.priority,
                    reason=order.kind,
                    expires=expires_at(now),
                )
            )
        if self._can_end_instances:
            commands += [
                retirement_command(
                    self.agent,
                    replica_id=ending.replica_id,
                    instance_id=row["instance_id"],
                    not_before=ending.not_before or now,
                    now=now,
                )
                for ending, row in self.endings
                if _runs(row)
            ]
        return commands

    def events(self, in_books: set[str]) -> list[Record]:
        """Return what happened, for the log of the fleet; what is no news has severity info."""
        name = self.agent["logical_agent_id"]
        events = []
        if self.order is not None and self.order.replica_id in in_books:
            where = ", ".join(self.order.pools[:3]) or "on-demand"
            message = f"A replica ({self.order.kind}) is ordered: {where}"
            events.append(self._event("replica_requested", "info", message, None))
        for ending, row in self.endings:
            instance_id = row["instance_id"]
            what = f"Replica {ending.replica_id} of {name}: {ending.reason}"
            kind = "replica_failed" if ending.is_failure else "replica_retired"
            severity = "warning" if ending.is_failure else "info"
            events.append(self._event(kind, severity, what, instance_id))
            if _runs(row) and not self._can_end_instances:
                message = f"{instance_id} was a replica of {name} and still runs: end it by hand"
                events.append(self._event("replica_needs_ending", "warning", message, instance_id))
        return events

    @property
    def _can_end_instances(self) -> bool:
        agent = self.agent
        is_ours = agent["primary_id"] is not None and agent["protocol"] >= NATIVE_PROTOCOL
        return is_ours and agent["status"] != "deleted"

    def _event(
        self, event_type: str, severity: str, message: str, instance_id: str | None
    ) -> Record:
        return {
            "event_type": event_type,
            "severity": severity,
            "client_id": self.agent["client_id"],
            "agent_id": self.agent["agent_id"],
            "instance_id": instance_id,
            "message": message[:500],
        }


def order_of(agent: Row, order: Order, pools: tuple[str, ...]) -> ReplicaOrder:
    """Return the order for an agent's primary to launch a standby."""
    is_native = agent["protocol"] >= NATIVE_PROTOCOL
    return ReplicaOrder(
        replica_id=str(uuid.uuid4()),
        command_id=str(uuid.uuid4()),
        kind=order.kind,
        promotes=False,
        event_id=order.event_id,
        besides=order.besides,
        instance_type=agent["instance_type"],
        region=agent["region"],
        pools=pools,
        allows_ondemand=True,
        protocol=agent["protocol"],
        executor_instance_id=agent["primary_id"] if is_native else None,
        priority=order.priority,
        created_by="system",
        expected_epoch=agent["epoch"],
    )


def retirement_command(
    agent: Row,
    *,
    replica_id: str,
    instance_id: str,
    not_before: datetime,
    now: datetime,
    attempt: int = 0,
) -> Record:
    """Return the command by which the primary ends what ran as a replica.

    Args:
        agent: client_id, agent_id and primary_id.
        replica_id: What it was.
        instance_id: What runs.
        not_before: When it may be ended.
        now: The present.
        attempt: How often that was tried before.
    """
    suffix = f":{attempt}" if attempt else ""
    return _command(
        agent,
        CommandType.RETIRE_INSTANCE,
        {"instance_id": instance_id, "not_before": not_before, "replica_id": replica_id},
        command_id=str(uuid.uuid4()),
        key=f"retire-replica:{replica_id}:{instance_id}"[: 128 - len(suffix)] + suffix,
        priority=Priority.ENGINE_URGENT,
        reason="replica_retired",
        expires=max(not_before, now) + RETIRE_WITHIN,
    )


def _command(
    agent: Row,
    command_type: CommandType,
    payload: Record,
    *,
    command_id: str,
    key: str,
    priority: int,
    reason: str,
    expires: datetime,
) -> Record:
    return {
        "command_id": command_id,
        "client_id": agent["client_id"],
        "agent_id": agent["agent_id"],
        "command_type": command_type,
        "executor_id": agent["primary_id"],
        "payload": _json(payload),
        "priority": int(priority),
        "reason": reason,
        "idempotency_key": key,
        "expires_at": moment(expires),
    }


def _target(ending: Ending, row: Row) -> ReplicaStatus:
    """Return the status that a replica ends in, or ends through while its instance still runs."""
    if _runs(row):
        return ReplicaStatus.TERMINATING
    if ending.is_failure:
        return ReplicaStatus.FAILED
    if row["instance_id"] is not None:
        return ReplicaStatus.TERMINATED
    is_waiting = row["command_status"] == CommandStatus.PENDING
    is_unclaimed = row["command_id"] is None and row["held_until"] is None
    # Otherwise its launcher may still come with an instance.
    is_over = is_waiting or is_unclaimed
    return ReplicaStatus.TERMINATED if is_over else ReplicaStatus.TERMINATING


def _runs(row: Row) -> bool:
    has_ended = row["terminated_at"] is not None or row["role"] == "terminated"
    return row["instance_id"] is not None and not has_ended


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
