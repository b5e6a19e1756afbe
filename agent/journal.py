"""What was begun, on disk before and after every step: a crash finds its way back from here.

A command is one entry, known by its id for as long as it is kept: handed out again it is the
same entry, never a second execution.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from agent.backend_client.commands import Command
from agent.clock import Clock, parse_instant
from agent.documents import Documents

_DOCUMENT = "journal"
_KEPT = 50  # finished entries

OPEN, UNDOING, DONE = "open", "undoing", "done"


@dataclass(frozen=True)
class Entry:
    """One command's story. ``steps`` maps a step to doing, done or undone."""

    command: Command
    begun_at: datetime
    status: str = OPEN
    steps: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    failed_step: str | None = None
    message: str | None = None
    success: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **vars(self),
            "command": self.command.to_json(),
            "begun_at": self.begun_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """Read what ``to_json`` wrote."""
        return cls(
            **{
                **data,
                "command": Command.from_json(data["command"]),
                "begun_at": parse_instant(data["begun_at"]),
            }
        )


class Journal:
    """All entries, in the order in which they were begun. Thread-safe."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._lock = threading.Lock()
        kept = documents.load(_DOCUMENT) or []
        self._entries = {entry.command.id: entry for entry in map(Entry.from_json, kept)}

    def begin(self, command: Command) -> bool:
        """Write a new command down; False when it is known already."""
        with self._lock:
            if command.id in self._entries:
                return False
            self._keep(Entry(command=command, begun_at=self._clock.now()))
            return True

    def get(self, command_id: str) -> Entry:
        """Return an entry that was begun."""
        with self._lock:
            return self._entries[command_id]

    def find(self, command_id: str) -> Entry | None:
        """Return an entry; None when it was never begun, or forgotten since."""
        with self._lock:
            return self._entries.get(command_id)

    def unfinished(self) -> list[Entry]:
        """Return the entries that a restart has to go on with."""
        with self._lock:
            return [entry for entry in self._entries.values() if entry.status != DONE]

    def step(self, command_id: str, name: str, phase: str, **facts: Any) -> Entry:
        """Note where a step stands, with the facts that a restart needs."""
        entry = self.get(command_id)
        return self._replace(
            entry, steps={**entry.steps, name: phase}, facts={**entry.facts, **facts}
        )

    def fail(self, command_id: str, step: str, message: str) -> Entry:
        """Note that a step cannot be done; what was done has to be undone."""
        return self._replace(
            self.get(command_id), status=UNDOING, failed_step=step, message=message, success=False
        )

    def finish(self, command_id: str, *, success: bool, message: str) -> Entry:
        """Note how it ended."""
        return self._replace(self.get(command_id), status=DONE, success=success, message=message)

    def _replace(self, entry: Entry, **changes: Any) -> Entry:
        with self._lock:
            return self._keep(replace(entry, **changes))

    def _keep(self, entry: Entry) -> Entry:
        entries = {**self._entries, entry.command.id: entry}
        finished = [key for key, value in entries.items() if value.status == DONE]
        for key in finished[: max(0, len(finished) - _KEPT)]:
            del entries[key]
        self._documents.save(_DOCUMENT, [one.to_json() for one in entries.values()])
        self._entries = entries  # only what is on disk counts as known
        return entry
