"""Steps with a way back: each is journaled before and after, and any of them may be repeated.

Forward: a step that fails turns the journey round. Back: the backend hears of the failure
first, so that nobody adopts what is about to be undone; then what was done is undone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.actions.delivery import acknowledgement, deliver
from agent.actions.queue import Checkpoint
from agent.errors import ActionFailed, AgentError, Deferred, Parked, Superseded
from agent.journal import OPEN, UNDOING, Entry, Journal
from agent.outbox import Outbox

logger = logging.getLogger(__name__)

DOING, FINISHED, UNDONE = "doing", "done", "undone"


@dataclass(frozen=True)
class Step:
    """One step; ``do`` returns facts for the journal, and must bear being repeated.

    ``undo`` takes back whatever ``do`` may have done, also when it was cut off in the middle.
    """

    name: str
    do: Callable[[Entry, Checkpoint], Mapping[str, Any]]
    undo: Callable[[Entry, Checkpoint], None] | None = None


class Saga:
    """Carries a journal entry to its end, from wherever it stands."""

    def __init__(self, journal: Journal, outbox: Outbox) -> None:
        self._journal = journal
        self._outbox = outbox

    def run(self, entry: Entry, steps: Sequence[Step], checkpoint: Checkpoint) -> None:
        """Do what is left of the steps, or undo them.

        Raises:
            Parked: the agent stops, or something more urgent waits; the entry stays as it is.
            Deferred: the entry is not due yet.
        """
        if entry.status == OPEN:
            entry = self._go_forward(entry, steps, checkpoint)
        if entry.status == UNDOING:
            self._go_back(entry, steps, checkpoint.unfenced())

    def _go_forward(self, entry: Entry, steps: Sequence[Step], checkpoint: Checkpoint) -> Entry:
        command_id = entry.command.id
        for step in steps:
            if entry.steps.get(step.name) == FINISHED:
                continue
            entry = self._journal.step(command_id, step.name, DOING)
            try:
                facts = step.do(entry, checkpoint)
            except (Parked, Deferred):
                raise
            except Superseded as error:
                return self._turn_round(entry, step.name, str(error))
            except ActionFailed as error:
                return self._turn_round(entry, error.step, error.reason)
            except AgentError as error:
                return self._turn_round(entry, step.name, str(error))
            except Exception as error:  # noqa: BLE001 - a broken step is undone, not left half done
                _log_break(step, error, "step_broke")
                return self._turn_round(entry, step.name, f"internal error {type(error).__name__}")
            entry = self._journal.step(command_id, step.name, FINISHED, **facts)
            logger.info(
                "%s: %s is done", entry.command.command_type, step.name,
                extra={"action": "step_done", "command_id": command_id, "step": step.name, "facts": facts},
            )  # fmt: skip
        return self._finish(entry, success=True, message=str(entry.facts.get("message", "Done")))

    def _turn_round(self, entry: Entry, step: str, reason: str) -> Entry:
        logger.error(
            "%s failed at %s: %s", entry.command.command_type, step, reason,
            extra={"action": "step_failed", "command_id": entry.command.id, "step": step},
        )  # fmt: skip
        return self._journal.fail(entry.command.id, step, f"{step}: {reason}")

    def _go_back(self, entry: Entry, steps: Sequence[Step], checkpoint: Checkpoint) -> Entry:
        report = acknowledgement(entry.command, success=False, message=str(entry.message))
        for step in reversed(steps):
            if step.undo is None or entry.steps.get(step.name) not in {DOING, FINISHED}:
                continue
            if not entry.command.is_local:
                deliver(self._outbox, report, checkpoint)
            try:
                step.undo(entry, checkpoint)
            except (Parked, Deferred):
                raise
            except Exception as error:  # noqa: BLE001 - the other steps must be undone all the same
                _log_break(step, error, "undo_failed")
            entry = self._journal.step(entry.command.id, step.name, UNDONE)
        return self._finish(entry, success=False, message=str(entry.message))

    def _finish(self, entry: Entry, *, success: bool, message: str) -> Entry:
        """Acknowledge first: an end that nobody was told of is told when the command comes again."""
        report = acknowledgement(entry.command, success=success, message=message)
        if not entry.command.is_local and self._outbox.outcome(report.key) is None:
            self._outbox.put(report)
        return self._journal.finish(entry.command.id, success=success, message=message)


def _log_break(step: Step, error: Exception, action: str) -> None:
    foreseen = isinstance(error, AgentError)
    logger.error(
        "%s: %s", step.name, error,
        exc_info=None if foreseen else error, extra={"action": action, "step": step.name},
    )  # fmt: skip
