"""Ending instances: the one place that terminates, and everything that it asks before."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.actions.delivery import ended
from agent.actions.plans import obstacle_to_ending
from agent.actions.queue import Checkpoint
from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.backend_client.client import BackendClient
from agent.backend_client.retry import persist
from agent.backend_client.wire import RetirementAnswer
from agent.clock import Clock
from agent.config import Settings
from agent.errors import ActionFailed, PermanentBackendError, TransientBackendError
from agent.identity import Identity
from agent.outbox import Outbox
from agent.state import AgentState

logger = logging.getLogger(__name__)

FRESH_SECONDS = 15.0  # how old the backend's word may be when we act on it
_LOOKS = 3
Objection = Callable[[RetirementAnswer], "str | None"]


class Ending:
    """Ends instances of this agent. Repeatable: what has ended stays ended, and is reported."""

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        ec2: Ec2,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._client = client
        self._ec2 = ec2
        self._outbox = outbox
        self._clock = clock

    def end(
        self, instance_id: str, objection: Objection | None, checkpoint: Checkpoint, step: str
    ) -> None:
        """End an instance, and see it end.

        Args:
            instance_id: Whom.
            objection: Reads the backend's judgement and says what speaks against; None where the
                backend cannot judge.
            checkpoint: Where to wait.
            step: The step to blame.

        Raises:
            ActionFailed: it must not be ended, or does not end.
            Interrupted: the checkpoint says so.
        """
        found = self._look(instance_id, checkpoint)
        if found is not None and not found.has_ended:
            self._refuse_what_is_not_ours(found, checkpoint, step)
            self._refuse_what_the_backend_keeps(instance_id, objection, checkpoint, step)
            logger.warning(
                "Ending %s", instance_id,
                extra={"action": "instance_ended", "instance_id": instance_id},
            )  # fmt: skip
            persist(
                lambda: self._ec2.terminate(instance_id), wait=checkpoint.wait, clock=self._clock
            )
            self._see_it_end(instance_id, checkpoint, step)
        self._outbox.put(ended(instance_id, self._clock.now()))

    def _look(self, instance_id: str, checkpoint: Checkpoint) -> Instance | None:
        """Return the instance; None only if EC2 denies it repeatedly: its view lags behind."""
        for _ in range(_LOOKS):
            found = persist(
                lambda: self._ec2.find(instance_id), wait=checkpoint.wait, clock=self._clock
            )
            if found is not None:
                return found
            checkpoint.wait(self._settings.ec2_poll_interval)
        return None

    def _refuse_what_is_not_ours(self, found: Instance, checkpoint: Checkpoint, step: str) -> None:
        obstacle = obstacle_to_ending(
            found,
            own_id=self._identity.instance_id,
            client_id=self._state.current.client_id or "",
            logical_agent_id=self._identity.logical_agent_id,
        )
        if obstacle is None and persist(
            lambda: self._ec2.is_protected(found.instance_id),
            wait=checkpoint.wait,
            clock=self._clock,
        ):
            obstacle = "it is protected against termination"
        if obstacle:
            raise ActionFailed(step, f"{found.instance_id} is kept: {obstacle}")

    def _refuse_what_the_backend_keeps(
        self, instance_id: str, objection: Objection | None, checkpoint: Checkpoint, step: str
    ) -> None:
        while objection is not None:
            asked_at = self._clock.monotonic()
            answer = self._ask(instance_id, checkpoint)
            reason = objection(answer)
            if reason:
                raise ActionFailed(step, f"{instance_id} is kept: {reason}")
            if self._clock.monotonic() - asked_at < FRESH_SECONDS:
                return

    def _ask(self, instance_id: str, checkpoint: Checkpoint) -> RetirementAnswer:
        def ask() -> RetirementAnswer:
            try:
                return self._client.ask_retirement(self._state.agent_id, instance_id)
            except PermanentBackendError as error:
                if error.is_unknown_agent:
                    epoch = self._state.current.epoch
                    return RetirementAnswer(False, "unknown_instance", None, epoch)
                # A token can be mended; an instance that nobody may end has to wait for it.
                raise TransientBackendError(str(error), retry_after=_LOOKS) from error

        return persist(ask, wait=checkpoint.wait, clock=self._clock)

    def _see_it_end(self, instance_id: str, checkpoint: Checkpoint, step: str) -> None:
        until = self._clock.monotonic() + self._settings.launch_timeout
        while (found := self._look(instance_id, checkpoint)) is not None and not found.has_ended:
            if self._clock.monotonic() > until:
                raise ActionFailed(step, f"{instance_id} does not end")
            checkpoint.wait(self._settings.ec2_poll_interval)
