"""Rows for the tests of the fallback: agents of ours with settings, replicas, events, prices."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from backend.db.database import Database
from backend.db.session import Row
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, make_client, query

__all__ = ["insert", "make_client", "query"]

SILENCE = timedelta(seconds=120)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

_numbers = itertools.count(1)


def make_agent(
    database: Database,
    client_id: str | None = None,
    *,
    manual: bool = False,
    enabled: bool = True,
    protocol: int = 5,
    heard_at: datetime | None = START,
    az: str = "eu-west-1a",
    account_id: str | None = "111122223333",
    **over: Any,
) -> Row:
    """Insert an online agent with its settings and its primary; return the agent's row."""
    number = next(_numbers)
    client_id = client_id or make_client(database)
    agent_id, instance_id = f"agent-{number:06}", f"i-p{number:07}"
    agent = {
        "id": agent_id,
        "client_id": client_id,
        "logical_agent_id": f"server-{number}",
        "status": "online",
        "primary_instance_id": instance_id,
        "epoch": 1,
        "created_at": START - timedelta(days=1),
        "updated_at": START - timedelta(days=1),
        **over,
    }
    insert(database, "agents", **agent)
    insert(
        database,
        "agent_configs",
        agent_id=agent_id,
        enabled=int(enabled),
        auto_switch_enabled=int(not manual),
        manual_replica_enabled=int(manual),
        updated_at=START,
    )
    make_instance(
        database,
        agent,
        instance_id,
        role="primary",
        protocol=protocol,
        az=az,
        heard_at=heard_at,
        account_id=account_id,
    )
    return agent


def make_instance(
    database: Database,
    agent: Row,
    instance_id: str,
    *,
    role: str = "replica",
    protocol: int = 5,
    az: str = "eu-west-1b",
    heard_at: datetime | None = START,
    **over: Any,
) -> str:
    """Insert an instance of an agent; return its id."""
    row = {
        "agent_id": agent["id"],
        "instance_id": instance_id,
        "client_id": agent["client_id"],
        "role": role,
        "role_reason": "test",
        "protocol": protocol,
        "is_steady": 1,
        "mode": "spot",
        "instance_type": "m5.large",
        "region": "eu-west-1",
        "az": az,
        "last_seen_at": heard_at,
        "role_changed_at": START - timedelta(days=1),
    }
    insert(database, "instances", **(row | over))
    return instance_id


def make_replica(
    database: Database,
    agent: Row,
    status: str = "ready",
    *,
    slot: int = 1,
    heard_at: datetime | None = START,
    has_instance: bool = True,
    protocol: int = 5,
    **over: Any,
) -> Row:
    """Insert a replica, with its instance unless told otherwise; return its row."""
    number = next(_numbers)
    instance_id = f"i-r{number:07}" if has_instance else None
    row = {
        "id": f"replica-{number}",
        "client_id": agent["client_id"],
        "agent_id": agent["id"],
        "kind": "manual",
        "status": status,
        "standby_slot": slot,
        "instance_id": instance_id,
        "instance_type": "m5.large",
        "region": "eu-west-1",
        "az": "eu-west-1b",
        "mode": "spot",
        "pool_name": "m5.large.eu-west-1b" if has_instance else None,
        "pools": '["m5.large.eu-west-1b"]',
        "protocol": protocol,
        "created_by": "tests",
        "created_at": START - 5 * MINUTE,
        "launched_at": START - 4 * MINUTE if has_instance else None,
        "ready_at": START - 3 * MINUTE if status == "ready" else None,
        **over,
    }
    insert(database, "replica_instances", **row)
    if instance_id:
        make_instance(database, agent, instance_id, heard_at=heard_at, protocol=protocol)
    return row


def make_event(
    database: Database,
    agent: Row,
    signal: str = "rebalance-recommendation",
    *,
    status: str = "responding",
    received_at: datetime = START,
    **over: Any,
) -> str:
    """Insert an event of the agent's primary; return its id."""
    event_id = f"event-{next(_numbers)}"
    row = {
        "id": event_id,
        "client_id": agent["client_id"],
        "agent_id": agent["id"],
        "instance_id": agent["primary_instance_id"],
        "signal_type": signal,
        "notice_key": event_id,
        "status": status,
        "subject_role": "primary",
        "epoch": agent["epoch"],
        "instance_type": "m5.large",
        "region": "eu-west-1",
        "az": "eu-west-1a",
        "mode": "spot",
        "noticed_at": received_at,
        "received_at": received_at,
        **over,
    }
    insert(database, "spot_interruption_events", **row)
    return event_id


def make_pools(database: Database, client_id: str, azs: str = "abc") -> None:
    """Insert spot pools of one type with fresh prices, the first zone the cheapest."""
    for number, letter in enumerate(azs):
        az = f"eu-west-1{letter}"
        insert(
            database,
            "spot_pools",
            client_id=client_id,
            region="eu-west-1",
            zone=az,
            instance_type="m5.large",
            created_at=START,
        )
        (pool,) = query(
            database,
            "SELECT id FROM spot_pools WHERE client_id = %(client_id)s AND zone = %(az)s",
            client_id=client_id,
            az=az,
        )
        insert(
            database,
            "pool_prices",
            client_id=client_id,
            pool_id=pool["id"],
            az=az,
            price_usd_per_hour=0.03 + number / 1000,
            observed_at=START,
            reported_at=START,
        )


def replicas(database: Database, agent: Row) -> list[Row]:
    """The agent's replicas, oldest first."""
    return query(
        database,
        "SELECT * FROM replica_instances WHERE agent_id = %(agent_id)s ORDER BY created_at, id",
        agent_id=agent["id"],
    )


def commands(database: Database, agent: Row) -> list[Row]:
    """The agent's commands, in order."""
    return query(
        database,
        "SELECT * FROM commands WHERE agent_id = %(agent_id)s ORDER BY created_at, id",
        agent_id=agent["id"],
    )


def notifications(database: Database, kind: str | None = None) -> list[Row]:
    """Notifications, all or of one kind."""
    return query(
        database,
        "SELECT * FROM notifications WHERE %(kind)s IS NULL OR notification_type = %(kind)s"
        " ORDER BY id",
        kind=kind,
    )


def event(database: Database, event_id: str) -> Row:
    """One interruption event."""
    (row,) = query(
        database, "SELECT * FROM spot_interruption_events WHERE id = %(id)s", id=event_id
    )
    return row
