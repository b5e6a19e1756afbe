"""The one thread that acts: takes commands in, carries them out one at a time, most urgent first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from agent.actions.delivery import acknowledgement
from agent.actions.queue import ActionQueue, Checkpoint
from agent.actions.saga import Saga, Step
from agent.backend_client.commands import Command
from agent.clock import Clock
from agent.errors import ActionFailed, Deferred, Parked
from agent.journal import DONE, Entry, Journal
from agent.logs import doing
from agent.outbox import Outbox
from agent.state import AgentState

logger = logging.getLogger(__name__)

_PRIMARY_ONLY = frozenset({"switch", "create_replica"})
Handler = Callable[[Entry], "list[Step]"]


class Actor:
    """Turns commands into sagas. Commands of a type without handler are refused at once."""

    def __init__(
        self,
        *,
        queue: ActionQueue,
        journal: Journal,
        outbox: Outbox,
        state: AgentState,
        handlers: Mapping[str, Handler],
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._journal = journal
        self._outbox = outbox
        self._state = state
        self._handlers = handlers
        self._clock = clock
        self._saga = Saga(journal, outbox)

    def accept(self, command: Command) -> None:
        """Write a command down and queue it; one that was finished is acknowledged again."""
        if self._journal.begin(command):
            logger.info(
                "Command %s: %s", command.id, command.command_type,
                extra={"action": "command_received", "command_id": command.id},
            )  # fmt: skip
            self._queue.put(command.id, command.priority)
            return
        entry = self._journal.get(command.id)
        if entry.status == DONE:
            message = entry.message or ""
            self._outbox.put(
                acknowledgement(entry.command, success=bool(entry.success), message=message)
            )

    def hurry(self, command: Command) -> None:
        """Carry out a command of this host itself now; also one that waits for its time."""
        self._journal.begin(command)
        if self._journal.get(command.id).status != DONE:
            self._queue.put(command.id, command.priority)

    def resume(self) -> None:
        """Queue what a previous run of the agent left unfinished."""
        for entry in self._journal.unfinished():
            logger.warning(
                "Going on with %s %s", entry.command.command_type, entry.command.id,
                extra={"action": "command_resumed", "command_id": entry.command.id},
            )  # fmt: skip
            self._queue.put(entry.command.id, entry.command.priority)

    def run(self) -> None:
        """Carry out commands until the queue stops."""
        while (command_id := self._queue.take()) is not None:
            self.perform(command_id)

    def perform(self, command_id: str) -> None:
        """Carry one command as far as it goes now."""
        entry = self._journal.get(command_id)
        command = entry.command
        checkpoint = Checkpoint(
            self._queue, self._clock, command.priority, lambda: self._state.current.is_retired
        )
        with doing(f"{command.command_type}:{command_id}"):
            try:
                self._saga.run(entry, self._steps(entry), checkpoint)
            except Deferred as error:
                self._queue.put(command_id, command.priority, after=error.seconds)
            except Parked:
                logger.info(
                    "%s is parked", command_id,
                    extra={"action": "command_parked", "command_id": command_id},
                )  # fmt: skip
                self._queue.put(command_id, command.priority)

    def _steps(self, entry: Entry) -> list[Step]:
        handler = self._handlers.get(entry.command.command_type)
        if entry.command.command_type in _PRIMARY_ONLY and self._state.current.role == "replica":
            handler = None
        return [Step("unsupported", _refuse)] if handler is None else handler(entry)


def _refuse(entry: Entry, _: Checkpoint) -> Mapping[str, object]:
    kind = entry.command.command_type
    if kind in _PRIMARY_ONLY:
        raise ActionFailed("role", f"{kind} is for the primary, this is a replica")
    raise ActionFailed("unsupported", f"this agent does not know {kind}")
