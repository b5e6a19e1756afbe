"""A fleet in the database: one client, its token, and any number of agents with their primaries."""

import json
from datetime import datetime

from backend.db.database import Database
from backend.db.session import Session
from backend.db.statements import beside
from backend.services.secrets import NewSecret

_SQL = beside(__file__)

CLIENT_ID = "00000000-0000-4000-9000-000000000001"
GRAIN = 100  # a fleet's size is a multiple of this


def seed(session: Session, size: int, token: NewSecret, now: datetime) -> None:
    """Fill an empty, migrated database, a statement per table.

    Args:
        session: An autocommit session on that database.
        size: Number of agents, a multiple of ``GRAIN``.
        token: What the agents will show.
        now: The moment they were last heard.
    """
    params = {
        "client_id": CLIENT_ID,
        "token_hash": token.hash,
        "hint": token.hint,
        "hundred": json.dumps(list(range(GRAIN))),
        "hundreds": json.dumps(list(range(size // GRAIN))),
        "now": now,
    }
    for name in (
        "insert_client",
        "insert_token",
        "insert_agents",
        "insert_configs",
        "insert_instances",
        "create_ceiling",
        "insert_ceiling",
    ):
        session.run(_SQL[name], params)


def rest(database: Database, now: datetime) -> None:
    """Let every agent have been heard just now."""
    database.run("rest", lambda s: s.run(_SQL["rest"], {"now": now}))


def count_moved(database: Database, since: datetime) -> int:
    """Return how many instances were heard after ``since``."""
    row = database.run("count_moved", lambda s: s.row(_SQL["count_moved"], {"since": since}))
    return int(row["moved"]) if row else 0


def count_reports(database: Database) -> int:
    """Return how many price reports are kept."""
    row = database.run("count_reports", lambda s: s.row(_SQL["count_reports"]))
    return int(row["kept"]) if row else 0
