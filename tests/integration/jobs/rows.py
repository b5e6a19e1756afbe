"""Rows for the tests of background jobs, valid by default, with ids of their own."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from backend.db.database import Database
from backend.db.session import Row
from backend.db.statements import Statement
from tests.fakes.clock import START

_numbers = itertools.count(1)


def query(database: Database, sql: str, **params: Any) -> list[Row]:
    """Run one statement written in the test; return its rows."""
    statement = Statement.compile("test", sql)
    return database.run("test", lambda session: session.rows(statement, params))


def insert(database: Database, table: str, **values: Any) -> dict[str, Any]:
    """Insert one row and return its values."""
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    query(database, f"INSERT INTO {table} ({names}) VALUES ({marks})", **values)
    return values


def make_client(database: Database) -> str:
    """Insert a client; return its id."""
    number = next(_numbers)
    insert(
        database,
        "clients",
        id=f"client-{number}",
        name=f"Client {number}",
        created_at=START,
        updated_at=START,
    )
    return f"client-{number}"


def make_agent(
    database: Database,
    client_id: str | None = None,
    *,
    heard_at: datetime | None = START,
    role_changed_at: datetime = START,
    **over: Any,
) -> str:
    """Insert an online agent with a steady primary last heard at ``heard_at``; return its id."""
    number = next(_numbers)
    client_id = client_id or make_client(database)
    agent_id, instance_id = f"agent-{number:06}", f"i-{number:08x}"
    agent = {
        "id": agent_id,
        "client_id": client_id,
        "logical_agent_id": f"server-{number}",
        "status": "online",
        "primary_instance_id": instance_id,
        "epoch": 1,
        "created_at": START - timedelta(days=1),
        "updated_at": START - timedelta(days=1),
    }
    insert(database, "agents", **(agent | over))
    insert(
        database,
        "instances",
        agent_id=agent_id,
        instance_id=instance_id,
        client_id=client_id,
        role="primary",
        role_reason="first",
        is_steady=1,
        mode="spot",
        instance_type="m5.large",
        region="eu-west-1",
        az="eu-west-1a",
        last_seen_at=heard_at,
        role_changed_at=role_changed_at,
        cpu_percent=12.5,
    )
    return agent_id


def agent_state(database: Database, agent_id: str) -> tuple[str, int]:
    """Return the agent's status and whether its primary is steady."""
    (row,) = query(
        database,
        "SELECT a.status, i.is_steady FROM agents AS a"
        " INNER JOIN instances AS i ON i.agent_id = a.id WHERE a.id = %(agent_id)s",
        agent_id=agent_id,
    )
    return row["status"], row["is_steady"]
