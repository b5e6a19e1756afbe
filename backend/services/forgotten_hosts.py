"""Replaced hosts that nobody ends: ended after all, or told of. Money runs until somebody does."""

import uuid
from datetime import datetime, timedelta
from typing import Final

import orjson

from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.commands import CommandType, Priority
from backend.domain.fencing import Role
from backend.repositories import forgotten_hosts, standbys
from backend.repositories.standbys import moment
from backend.sef.forgotten import ForgottenHost, remedy_for

REMEMBERED: Final = timedelta(days=7)
# A notice's host may run until the deadline (2 min) and five minutes more.
PATIENCE: Final = timedelta(minutes=15)
ASK_AGAIN_AFTER: Final = timedelta(minutes=10)
SAY_AGAIN_AFTER: Final = timedelta(hours=24)
RETIRE_WITHIN: Final = timedelta(hours=1)


class ForgottenHosts:
    """Finds and ends them. Idempotent: while an order is open, or was minutes ago, none is given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(self, now: datetime) -> int:
        """Order the end of what is to end, tell of the rest; return how many were found."""
        found = self._database.run(
            "list_forgotten_hosts",
            lambda s: forgotten_hosts.list_forgotten_hosts(
                s,
                since=now - REMEMBERED,
                replaced_before=now - PATIENCE,
                asked_since=now - ASK_AGAIN_AFTER,
            ),
        )
        remedies = [(row, remedy_for(_host(row), now=now)) for row in found]
        ended = [row for row, remedy in remedies if remedy == "retire"]
        told = [row for row, remedy in remedies if remedy == "tell"]
        if not ended and not told:
            return 0

        def work(tx: Transaction) -> None:
            standbys.lock_agents(tx, sorted({row["agent_id"] for row in ended}))
            standbys.insert_commands(tx, [_command(row, now) for row in ended], now=now)
            standbys.notify(tx, [_event(row) for row in told], now=now, quiet=SAY_AGAIN_AFTER)
            tx.commit()

        self._database.transact("settle_forgotten_hosts", work)
        return len(ended) + len(told)


def _host(row: Row) -> ForgottenHost:
    return ForgottenHost(
        is_undone=row["role"] == Role.CANDIDATE,
        ends_old_hosts=bool(row["auto_terminate_enabled"]),
        is_noticed=bool(row["is_noticed"]),
        is_agent_deleted=row["agent_status"] == "deleted",
        heard_at=row["last_seen_at"],
        primary_protocol=row["protocol"],
        attempts=row["attempts"],
    )


def _command(row: Row, now: datetime) -> dict[str, object]:
    payload = {"instance_id": row["instance_id"], "not_before": now.isoformat()}
    return {
        "command_id": str(uuid.uuid4()),
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "command_type": CommandType.RETIRE_INSTANCE,
        "executor_id": row["primary_id"],
        "payload": orjson.dumps(payload).decode(),
        "priority": int(Priority.ENGINE_URGENT),
        "reason": "forgotten_host",
        "idempotency_key": f"retire-host:{row['instance_id']}:{row['attempts']}",
        "expires_at": moment(now + RETIRE_WITHIN),
    }


def _event(row: Row) -> dict[str, str | None]:
    return {
        "event_type": "replaced_host_runs",
        "severity": "warning",
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "instance_id": row["instance_id"],
        "message": (
            f"{row['instance_id']} was replaced as {row['logical_agent_id']} at "
            f"{row['role_changed_at']:%Y-%m-%d %H:%M} UTC and still runs: end it by hand, if it is "
            "not wanted"
        ),
    }
