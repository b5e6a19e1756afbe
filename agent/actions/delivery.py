"""Reports that actions send, and waiting until the backend has one."""

from __future__ import annotations

from datetime import datetime

from agent.actions.queue import Checkpoint
from agent.backend_client.client import encoded
from agent.backend_client.commands import Command
from agent.outbox import Outbox, Outcome, Report

_LOOK_EVERY_SECONDS = 1.0


def acknowledgement(command: Command, *, success: bool, message: str) -> Report:
    """Return the report of how a command ended."""
    return Report(
        key=f"executed:{command.id}",
        path=encoded("commands", command.id, "executed"),
        body={"success": success, "message": message[:1000]},
    )


def ended(instance_id: str, at: datetime) -> Report:
    """Return the report that an instance is no more."""
    return Report(
        key=f"terminated:{instance_id}",
        path=encoded("instances", instance_id, "terminated"),
        body={"terminated_at": at.isoformat()},
        may_be_unknown=True,
    )


def deliver(outbox: Outbox, report: Report, checkpoint: Checkpoint) -> Outcome:
    """Put a report into the outbox and wait until it is delivered or refused; repeatable.

    Raises:
        Interrupted: the checkpoint says so; the report stays in the outbox.
    """
    outcome = outbox.outcome(report.key)
    if outcome is None:
        outbox.put(report)
    while outcome is None:
        checkpoint.wait(_LOOK_EVERY_SECONDS if outbox.is_waiting(report.key) else 0)
        outcome = outbox.outcome(report.key)
    return outcome
