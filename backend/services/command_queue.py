"""The command queue as its executors see it: fetch what to do, say how it ended."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.commands import (
    CLASSIC_PROTOCOL,
    NATIVE_PROTOCOL,
    CommandStatus,
    Priority,
    acknowledge,
    failed_step_of,
    lease_duration,
)
from backend.domain.identity import Sender
from backend.errors import Conflict, NotFound
from backend.repositories import commands

logger = logging.getLogger(__name__)

# While two instances of one agent were heard this recently, nobody can tell which one an
# installed agent's anonymous poll comes from: three beats of 30 s.
LIVE_WINDOW = timedelta(seconds=90)
ACKNOWLEDGE_ATTEMPTS = 5  # compare-and-set rounds


def lease_seconds() -> tuple[int, int]:
    """Return the leases of an installed agent and of ours, without the waiting time."""
    return (
        int(lease_duration(CLASSIC_PROTOCOL, 0).total_seconds()),
        int(lease_duration(NATIVE_PROTOCOL, 0).total_seconds()),
    )


class CommandQueue:
    """Leases commands to instances and takes their acknowledgements."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def lease(self, client_id: str, agent_id: str, sender: Sender) -> Sequence[Row]:
        """Return the commands that the sender may execute now, the most urgent first.

        An installed agent gets at most one, and never the same one twice: it acknowledges only
        at the end and could not tell a repeat. Ours gets all that it holds, every time.

        Raises:
            NotFound: the client has no such agent.
        """
        now = self._clock.now()
        caller, leased = self._database.run(
            "lease_commands",
            lambda s: commands.lease_commands(
                s,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=sender.instance_id,
                live_window=LIVE_WINDOW,
                contested_priority=Priority.EMERGENCY,
                lease_seconds=lease_seconds(),
                now=now,
            ),
        )
        if caller["agent_status"] is None:
            raise NotFound("Unknown agent", field="agent_id")
        log_leases(agent_id, leased)
        return leased

    def acknowledge(
        self, client_id: str, agent_id: str, command_id: str, *, success: bool, message: str
    ) -> CommandStatus:
        """Record how a command ended; a repeat of the same message is the same answer.

        Raises:
            NotFound: the agent has no such command.
            IllegalTransition: the command ended differently, or was never handed out.
        """
        for _ in range(ACKNOWLEDGE_ATTEMPTS):
            status = self._database.run(
                "complete_command",
                lambda s: self._acknowledge(
                    s, client_id, agent_id, command_id, success, message, self._clock.now()
                ),
            )
            if status is not None:
                return status
        raise Conflict("The command is changing too fast; report again", retry_after_seconds=1)

    @staticmethod
    def _acknowledge(
        session: Session,
        client_id: str,
        agent_id: str,
        command_id: str,
        success: bool,  # noqa: FBT001 - see above
        message: str,
        now: datetime,
    ) -> CommandStatus | None:
        row = commands.find_command(session, client_id, agent_id, command_id)
        if row is None:
            raise NotFound("Unknown command", field="command_id")
        verdict = acknowledge(CommandStatus(row["status"]), row["outcome_code"], success)
        if not verdict.changed:
            return verdict.status
        applied = commands.complete_command(
            session,
            client_id=client_id,
            agent_id=agent_id,
            command_id=command_id,
            expected_status=row["status"],
            status=verdict.status,
            outcome_code="acknowledged",
            message=message,
            failed_step=failed_step_of(message),
            now=now,
        )
        if not applied:
            return None
        logger.info(
            "Command %s %s",
            command_id,
            verdict.status,
            extra={
                "action": "command_ended",
                "agent_id": agent_id,
                "command_id": command_id,
                "status": str(verdict.status),
            },
        )
        return verdict.status


def log_leases(agent_id: str, leased: Sequence[Row]) -> None:
    """Write one line for each command that was handed out."""
    for command in leased:
        logger.info(
            "Command %s (%s) handed out",
            command["id"],
            command["command_type"],
            extra={
                "action": "command_leased",
                "agent_id": agent_id,
                "command_id": command["id"],
                "priority": command["priority"],
            },
        )
