"""The end of commands that nobody ends: leases that ran out, orders that nobody fetched."""

import logging
from datetime import datetime

from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.commands import OUTCOME_UNKNOWN, CommandStatus
from backend.repositories import commands, events, switches

logger = logging.getLogger(__name__)

COMMANDS_PER_RUN = 500  # the rest is 30 seconds later


class LeaseSweep:
    """Closes overdue commands and the switches behind them. Idempotent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sweep(self, now: datetime) -> int:
        """Close what is overdue and say so; return how many commands were closed."""
        leased = self._database.run(
            "list_overdue_leases",
            lambda s: commands.list_overdue_leases(s, now=now, limit=COMMANDS_PER_RUN),
        )
        pending = self._database.run(
            "list_overdue_pending",
            lambda s: commands.list_overdue_pending(s, now=now, limit=COMMANDS_PER_RUN),
        )
        return sum(self._fail(row, now) for row in leased) + sum(
            self._expire(row, now) for row in pending
        )

    def _fail(self, row: Row, now: datetime) -> bool:
        """Fail a lease whose outcome nobody can tell; a late acknowledgement still counts."""
        message = f"{row['lease_instance_id']} never said how the command ended"
        applied = self._database.run(
            "complete_command",
            lambda s: commands.complete_command(
                s,
                client_id=row["client_id"],
                agent_id=row["agent_id"],
                command_id=row["id"],
                expected_status=row["status"],
                status=CommandStatus.FAILED,
                outcome_code=OUTCOME_UNKNOWN,
                message=message,
                failed_step="acknowledgement",
                now=now,
            ),
        )
        if applied:
            self._database.transact(
                "notify", lambda tx: _tell(tx, row, "command_outcome_unknown", message, now)
            )
        return applied

    def _expire(self, row: Row, now: datetime) -> bool:
        message = "Nobody fetched the command in time"

        def work(tx: Transaction) -> bool:
            # The switch row first: the lock order is switches, then commands.
            switches.fail_switch_of_command(
                tx, command_id=row["id"], failed_step="delivery", reason=message, now=now
            )
            if not commands.expire_command(tx, row["id"], message, now):
                return False
            _tell(tx, row, "command_expired", message, now)
            return True

        return self._database.transact("expire_command", work)


def _tell(tx: Transaction, row: Row, event_type: str, message: str, now: datetime) -> None:
    text = f"{row['command_type']} {row['id']}: {message}"
    events.record_event(
        tx,
        event_type=event_type,
        severity="warning",
        message=text,
        client_id=row["client_id"],
        agent_id=row["agent_id"],
        now=now,
    )
    events.notify(
        tx,
        notification_type=event_type,
        severity="warning",
        message=text,
        client_id=row["client_id"],
        agent_id=row["agent_id"],
        now=now,
    )
    logger.warning(
        "%s",
        text,
        extra={"action": event_type, "agent_id": row["agent_id"], "command_id": row["id"]},
    )
    tx.commit()
