"""``create_replica``: launch a standby or a replacement, once for each replica id, and bind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.actions.assignment import Assignment, ownership, replica_marks
from agent.actions.launch import Launcher
from agent.actions.queue import Checkpoint
from agent.actions.replica_plans import plan_replica
from agent.actions.replica_rows import ReplicaRows
from agent.actions.saga import Step
from agent.backend_client.fallback import Order
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.errors import ActionFailed, PermanentBackendError
from agent.identity import Identity
from agent.journal import Entry
from agent.launch_spec import LaunchSpec
from agent.standing import RETIRED
from agent.state import AgentState

BIND = "bind"


@dataclass(frozen=True)
class Subject:
    """For whom a replica is launched: this host's agent, or one that this host rescues."""

    agent_id: str
    logical_agent_id: str
    order: Order
    read_spec: Callable[[], LaunchSpec] = field(repr=False)

    @property
    def replica_id(self) -> str:
        """The replica's id.

        Raises:
            ActionFailed: the order names none.
        """
        if not self.order.replica_id:
            raise ActionFailed("plan", "the order names no replica_id")
        return self.order.replica_id


class ReplicaLaunch:
    """The steps that launching for oneself and for others have in common."""

    def __init__(
        self,
        identity: Identity,
        state: AgentState,
        launcher: Launcher,
        rows: ReplicaRows,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._state = state
        self._launcher = launcher
        self._rows = rows
        self._clock = clock

    def steps(
        self,
        subject_of: Callable[[Entry], Subject],
        end: Callable[[Entry, Checkpoint], None] | None = None,
    ) -> list[Step]:
        """Return plan, launch and bind; ``end`` ends what was launched in vain."""

        def plan(entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
            subject = subject_of(entry)
            checkpoint = self._fence(subject, checkpoint)
            checkpoint.check()
            spec = persist(subject.read_spec, wait=checkpoint.wait, clock=self._clock)
            attempts = plan_replica(subject.order, spec, subject.replica_id)
            return {"attempts": [asdict(one) for one in attempts]}

        def launch(entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
            subject = subject_of(entry)
            checkpoint = self._fence(subject, checkpoint)
            return self._launcher.launch(entry, checkpoint, self.assignment(subject))

        def bind(entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
            return self._bind(entry, subject_of(entry), checkpoint.unfenced())

        def give_up(entry: Entry, checkpoint: Checkpoint) -> None:
            subject, message = subject_of(entry), str(entry.message)
            self._rows.give_up(
                subject.agent_id, subject.replica_id, message, entry.facts, checkpoint.wait
            )

        return [Step("plan", plan, give_up), Step("launch", launch, end), Step(BIND, bind)]

    def _fence(self, subject: Subject, checkpoint: Checkpoint) -> Checkpoint:
        """A host that fenced itself at its notice still launches what is ordered for it."""
        is_replaced = self._state.current.role in RETIRED
        is_own = subject.order.is_for_termination and not is_replaced
        return checkpoint.unfenced() if is_own else checkpoint

    def assignment(self, subject: Subject) -> Assignment:
        """Return the tags and the host to copy of a subject's launch."""
        found_by = replica_marks(subject.replica_id, subject.logical_agent_id)
        tags = ownership(
            self._state.current.client_id, subject.logical_agent_id, self._identity.instance_id
        )
        everything = {**subject.order.tags, **tags, **found_by}
        return Assignment(found_by, everything, subject.read_spec)

    def _bind(self, entry: Entry, subject: Subject, checkpoint: Checkpoint) -> Mapping[str, Any]:
        try:
            persist(
                lambda: self._rows.bind(subject.agent_id, subject.replica_id, entry.facts),
                wait=checkpoint.wait,
                clock=self._clock,
            )
        except PermanentBackendError as error:
            raise ActionFailed(BIND, str(error)) from error
        return {"message": f"{entry.facts['new_instance_id']} is replica {subject.replica_id}"}
