"""``retire_instance``: the successor ends its predecessor, when it is time and the backend agrees."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from agent.actions.ending import Ending
from agent.actions.queue import Checkpoint
from agent.actions.saga import Step
from agent.backend_client.wire import RetirementAnswer
from agent.clock import parse_instant
from agent.config import Settings
from agent.errors import ActionFailed, Deferred
from agent.journal import Entry
from agent.state import AgentState

STEP = "retire"


class Retirement:
    """Makes the steps of a retirement."""

    def __init__(self, settings: Settings, state: AgentState, ending: Ending) -> None:
        self._settings = settings
        self._state = state
        self._ending = ending

    def steps(self, _: Entry) -> list[Step]:
        """Return the one step; there is nothing to undo."""
        return [Step(STEP, self._retire)]

    def _retire(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        if not self._settings.auto_terminate_old_instance:
            raise ActionFailed(STEP, "AUTO_TERMINATE_OLD_INSTANCE=false on this host")
        instance_id = entry.command.payload.get("instance_id")
        if not isinstance(instance_id, str) or not instance_id:
            raise ActionFailed(STEP, "payload.instance_id is missing")
        due = self._due_at(entry)
        checkpoint.check()
        if due > self._state.backend_now():
            raise Deferred((due - self._state.backend_now()).total_seconds())
        self._ending.end(instance_id, self._objection, checkpoint, STEP)
        return {"message": f"{instance_id} is retired"}

    def _due_at(self, entry: Entry) -> datetime:
        """The backend's instant; a TERMINATE_WAIT_TIME on this host may only make it later."""
        text = entry.command.payload.get("not_before")
        try:
            due = parse_instant(text) if isinstance(text, str) else entry.begun_at
        except ValueError as error:
            raise ActionFailed(STEP, "payload.not_before is no instant") from error
        floor = self._settings.terminate_wait_time
        return max(due, entry.begun_at + timedelta(seconds=floor)) if floor is not None else due

    def _objection(self, answer: RetirementAnswer) -> str | None:
        if answer.epoch != self._state.current.epoch:
            raise Deferred(self._settings.sync_interval)  # the next sync tells who is who
        return None if answer.may_retire else answer.reason
