"""``create_replica`` on this host's own behalf; at a notice it shares the emergency's launch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.actions.emergency_commands import emergency_command
from agent.actions.ending import Ending
from agent.actions.queue import Checkpoint
from agent.actions.replica_launch import ReplicaLaunch, Subject
from agent.actions.replica_plans import refusal
from agent.actions.saga import Step
from agent.actions.search import LaunchSearch
from agent.actions.switch import objection_when_needed
from agent.backend_client.fallback import parse_order
from agent.config import Settings
from agent.errors import ActionFailed, Deferred
from agent.identity import Identity
from agent.journal import DONE, Entry, Journal
from agent.notices import NoticeBook
from agent.own_host import OwnHost
from agent.state import AgentState

_LOOK_AGAIN_SECONDS = 1.0
_LAUNCH_FACTS = (
    "new_instance_id", "new_type", "new_az", "new_mode", "new_ami_id", "pool_id", "launched_at"
)  # fmt: skip


class Standby:
    """Makes the steps of a replica's launch. A replica that is bound is never ended here."""

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        own_host: OwnHost,
        replicas: ReplicaLaunch,
        search: LaunchSearch,
        ending: Ending,
        notices: NoticeBook,
        journal: Journal,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._own_host = own_host
        self._replicas = replicas
        self._search = search
        self._ending = ending
        self._notices = notices
        self._journal = journal

    def steps(self, entry: Entry) -> list[Step]:
        """Return the steps; those that an adopted launch does not need are left out."""
        steps = self._replicas.steps(self._subject, self._end)
        if "is_adopted" in entry.facts or self._shared(entry) is not None:
            return [Step("adopt", self._adopt, steps[0].undo), steps[2]]
        return [Step("allowed", self._allow, steps[0].undo), *_without_undo(steps)]

    def _subject(self, entry: Entry) -> Subject:
        return Subject(
            self._state.agent_id,
            self._identity.logical_agent_id,
            parse_order(entry.command.payload),
            self._own_host.read,
        )

    def _allow(self, entry: Entry, _: Checkpoint) -> Mapping[str, Any]:
        reason = refusal(self._subject(entry).order, self._settings)
        if reason is not None:
            raise ActionFailed("refused", f"{reason} on this host")
        return {}

    def _shared(self, entry: Entry) -> Entry | None:
        """Return the emergency whose launch this order stands for; None when it is its own."""
        notice = self._notices.current
        is_own = not parse_order(entry.command.payload).is_for_termination
        if notice is None or is_own or entry.steps.get("launch"):
            return None
        emergency = self._journal.find(emergency_command(notice).id)
        if emergency is None or (
            emergency.status == DONE and "new_instance_id" not in emergency.facts
        ):
            return None
        return emergency

    def _adopt(self, entry: Entry, _: Checkpoint) -> Mapping[str, Any]:
        if "is_adopted" in entry.facts:
            return {}
        emergency = self._shared(entry)
        if emergency is None:
            raise Deferred(0)  # it ended without a launch: this order is its own after all
        if "new_instance_id" not in emergency.facts:
            self._notices.offer(entry.command.payload)
            raise Deferred(_LOOK_AGAIN_SECONDS)
        known = {name: emergency.facts[name] for name in _LAUNCH_FACTS}
        return {**known, "full_pools": emergency.facts.get("full_pools", []), "is_adopted": True}

    def _end(self, entry: Entry, checkpoint: Checkpoint) -> None:
        """End what was launched in vain, unless it is the primary or a replica by now."""
        instance_id = entry.facts.get("new_instance_id")
        if instance_id is None and "attempt" in entry.facts:
            found_by = self._replicas.assignment(self._subject(entry)).found_by
            instance_id = self._search.find_cut_off_by(found_by, checkpoint)
        if instance_id is not None:
            self._ending.end(instance_id, objection_when_needed, checkpoint, "undo")


def _without_undo(steps: list[Step]) -> list[Step]:
    """The first step's way back belongs to the one before it here."""
    return [Step(steps[0].name, steps[0].do), *steps[1:]]
