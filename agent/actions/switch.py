"""``switch``: replace this host by another one; a saga that a crash cannot lose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.actions.ending import Ending
from agent.actions.handover import Handover
from agent.actions.launch import Launcher
from agent.actions.queue import Checkpoint
from agent.actions.readiness import Readiness
from agent.actions.saga import Step
from agent.actions.search import LaunchSearch
from agent.backend_client.client import BackendClient
from agent.backend_client.retry import persist
from agent.backend_client.wire import RetirementAnswer
from agent.clock import Clock
from agent.errors import ActionFailed, PermanentBackendError
from agent.identity import Identity
from agent.journal import Entry
from agent.state import AgentState

_STILL_OPEN = frozenset({"launching", "running", "ready", "cut_over", "completed"})
_KEPT_ROLES = frozenset({"primary", "replica"})


class Switch:
    """Makes the steps of a switch. Up to the report each can be undone; after it none needs to.

    The old host, this one, is not ended here: its successor is told to, when it has taken over.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        launcher: Launcher,
        search: LaunchSearch,
        readiness: Readiness,
        handover: Handover,
        ending: Ending,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._state = state
        self._client = client
        self._launcher = launcher
        self._search = search
        self._readiness = readiness
        self._handover = handover
        self._ending = ending
        self._clock = clock

    def steps(self, entry: Entry) -> list[Step]:
        """Return the steps for one command, in order."""
        if self._identity.launch_tags.get("CommandId") == entry.command.id:
            return [Step("already_done", _already_done)]
        steps = [
            Step("plan", self._launcher.plan),
            Step("launch", self._launch, self._end_what_was_launched),
            Step("running", self._await_running),
            Step("status_checks", self._await_status_checks),
            Step("readiness", self._await_program),
            Step("report", self._handover.report),
        ]
        return steps + (self._handover.classic_steps() if entry.command.is_classic else [])

    def _launch(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        self._tell(entry, checkpoint, "launching")
        return self._launcher.launch(entry, checkpoint)

    def _await_running(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        running = self._readiness.await_running(entry.facts["new_instance_id"], checkpoint)
        self._tell(entry, checkpoint, "running")
        return {"new_private_ip": running.private_ip}

    def _await_status_checks(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        self._readiness.await_status_checks(entry.facts["new_instance_id"], checkpoint)
        return {}

    def _await_program(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        address = entry.facts.get("new_private_ip") or ""
        self._readiness.await_program(entry.facts["new_instance_id"], address, checkpoint)
        self._tell(entry, checkpoint, "ready")
        return {"ready_at": self._clock.now().isoformat()}

    def _end_what_was_launched(self, entry: Entry, checkpoint: Checkpoint) -> None:
        """End this command's instance, unless it is needed by now: an emergency may adopt it."""
        instance_id = entry.facts.get("new_instance_id")
        if instance_id is None and "attempt" in entry.facts:
            instance_id = self._search.find_cut_off(entry.command.id, checkpoint)
        if instance_id is not None:
            objection = None if entry.command.is_classic else objection_when_needed
            self._ending.end(instance_id, objection, checkpoint, "undo")

    def _tell(self, entry: Entry, checkpoint: Checkpoint, status: str) -> None:
        """Say how far the switch is, and hear whether it is still wanted."""
        if entry.command.is_classic:
            return
        names = {"new_instance_id": "new_instance_id", "pool_id": "pool_id"}
        facts = {name: entry.facts[key] for name, key in names.items() if key in entry.facts}
        body = {"status": status, **facts}
        try:
            persist(
                lambda: self._client.report_progress(self._state.agent_id, entry.command.id, body),
                wait=checkpoint.wait,
                clock=self._clock,
            )
        except PermanentBackendError as error:
            if error.details.get("present") in _STILL_OPEN:
                return  # told before a crash, or by the successor's own registration
            raise ActionFailed(status, f"the switch is closed: {error}") from error


def _already_done(entry: Entry, _: Checkpoint) -> Mapping[str, Any]:
    """This host is the one that the command asked for, and its launcher never said so."""
    return {"message": f"this instance is the result of {entry.command.id}"}


def objection_when_needed(answer: RetirementAnswer) -> str | None:
    """Say why an instance that was launched in vain is kept: somebody needs it by now."""
    is_needed = answer.reason == "is_primary" or answer.role in _KEPT_ROLES
    return f"it is {answer.role} by now" if is_needed else None
