"""Looking after others: is a silent instance dead, and launching its replacement if it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.actions.queue import Checkpoint
from agent.actions.replica_launch import ReplicaLaunch, Subject
from agent.actions.saga import Step
from agent.aws.ec2 import Ec2
from agent.backend_client.client import BackendClient
from agent.backend_client.fallback import LAUNCH, parse_order, parse_plan
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.config import Settings
from agent.errors import ActionFailed, AwsError, PermanentBackendError
from agent.identity import Identity
from agent.journal import Entry
from agent.launch_spec import LaunchSpec
from agent.state import AgentState

_LOOKS = 3
_BUDGET_SECONDS = 30.0
_ORDER = ("replica_id", "pools", "allow_ondemand")  # also in the plan around the order
_STATES = {
    "pending": "running",
    "running": "running",
    "stopping": "stopped",
    "stopped": "stopped",
    "shutting-down": "terminated",
    "terminated": "terminated",
}


class Rescue:
    """Makes the steps of ``verify_primary`` and ``rescue``."""

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        ec2: Ec2,
        replicas: ReplicaLaunch,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._client = client
        self._ec2 = ec2
        self._replicas = replicas
        self._clock = clock

    def verify_steps(self, _: Entry) -> list[Step]:
        """Look, and tell."""
        return [Step("look", self._look), Step("findings", self._tell)]

    def rescue_steps(self, entry: Entry) -> list[Step]:
        """Look, tell, and launch if the answer says so.

        What is launched is never ended here: whose it is only the rescued agent's backend row says.
        """
        launch = [_when_ordered(step) for step in self._replicas.steps(self._subject)]
        return [*self.verify_steps(entry), *launch]

    def _look(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        payload = entry.command.payload
        instance_id, region = payload.get("instance_id"), payload.get("region")
        if not instance_id or not payload.get("event_id"):
            raise ActionFailed("look", "payload.instance_id or payload.event_id is missing")
        if region and region != self._identity.region:
            raise ActionFailed("look", f"this host is in {self._identity.region}, not {region}")
        state = self._state_of(str(instance_id), checkpoint)
        return {"state": state, "checked_at": self._clock.now().isoformat()}

    def _state_of(self, instance_id: str, checkpoint: Checkpoint) -> str:
        """Ask repeatedly before an instance counts as missing; who cannot ask does not know."""
        for look in range(_LOOKS):
            try:
                found = persist(
                    lambda: self._ec2.find(instance_id),
                    wait=checkpoint.wait,
                    clock=self._clock,
                    budget=_BUDGET_SECONDS,
                )
            except AwsError:
                return "unknown"
            if found is not None:
                return _STATES.get(found.state, "unknown")
            if look < _LOOKS - 1:
                checkpoint.wait(min(1.0, self._settings.ec2_poll_interval))
        return "missing"

    def _tell(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        payload = entry.command.payload
        agent_id = str(payload.get("agent_id") or self._state.agent_id)
        body = {
            "instance_id": payload["instance_id"],
            "state": entry.facts["state"],
            "checked_at": entry.facts["checked_at"],
        }
        try:
            answer = persist(
                lambda: self._client.report_finding(agent_id, str(payload["event_id"]), body),
                wait=checkpoint.wait,
                clock=self._clock,
            )
        except PermanentBackendError as error:
            raise ActionFailed("findings", str(error)) from error
        message = f"{payload['instance_id']} is {entry.facts['state']}"
        plan = parse_plan(answer)
        if plan is None or plan.action != LAUNCH:
            return {"message": message}
        named = {name: answer[name] for name in _ORDER if answer.get(name) is not None}
        return {"message": message, "order": {**named, **(answer.get("order") or {})}}

    def _subject(self, entry: Entry) -> Subject:
        payload = {**entry.command.payload, **(entry.facts.get("order") or {})}
        try:
            spec = LaunchSpec.from_wire(dict(payload.get("launch_spec") or {}))
        except TypeError as error:
            raise ActionFailed("plan", "the launch spec is not whole") from error
        return Subject(
            str(payload.get("agent_id") or ""),
            str(payload.get("logical_agent_id") or ""),
            parse_order(payload),
            lambda: spec,
        )


def _when_ordered(step: Step) -> Step:
    """A step that does nothing unless the backend, having heard the finding, said: launch."""

    def do(entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        return step.do(entry, checkpoint) if "order" in entry.facts else {}

    def undo(entry: Entry, checkpoint: Checkpoint) -> None:
        if step.undo is not None and "order" in entry.facts:
            step.undo(entry, checkpoint)

    return Step(step.name, do, undo)
