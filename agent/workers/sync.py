"""Sync: register, then tell and hear everything that is new in one request."""

from __future__ import annotations

import logging

from agent.actions.actor import Actor
from agent.aws.calls import CallCounter
from agent.backend_client.client import BackendClient
from agent.backend_client.reports import registration_body
from agent.clock import Clock
from agent.config import Settings
from agent.emergency_plan import PlanBook
from agent.errors import PermanentBackendError
from agent.identity import Identity
from agent.journal import Journal
from agent.outbox import Outbox
from agent.state import AgentState
from agent.vitals import Vitals
from agent.workers.base import Worker
from agent.workers.classic import ClassicCalls

logger = logging.getLogger(__name__)

_IDLE_FACTOR = 4  # a superseded host asks that much more rarely
_REGISTER_AGAIN_SECONDS = 600.0  # an old backend may have been replaced meanwhile


class SyncWorker(Worker):
    """Keeps this instance's standing up to date, and hands commands to the actor."""

    name = "sync"

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        journal: Journal,
        outbox: Outbox,
        actor: Actor,
        plans: PlanBook,
        counter: CallCounter,
        clock: Clock,
    ) -> None:
        super().__init__(settings.sync_interval, clock, starts_at_once=True)
        self._identity = identity
        self._state = state
        self._client = client
        self._journal = journal
        self._outbox = outbox
        self._actor = actor
        self._plans = plans
        self._counter = counter
        self._vitals = Vitals()
        self._classic = ClassicCalls(settings, identity, state, client, actor, clock)
        self._busy_interval = self.interval
        self._registered_at = 0.0
        self._has_resumed = False

    def tick(self) -> None:
        """Register if that is needed, then sync, in whichever way the backend knows."""
        if not self._state.is_registered or self._wants_upgrade():
            self._register()
        if self._state.current.is_classic:
            self._classic.poll()
        else:
            self._sync()
        factor = _IDLE_FACTOR if self._state.current.is_retired else 1
        self.interval = self._busy_interval * factor
        self._counter.save()

    def _wants_upgrade(self) -> bool:
        age = self._clock.monotonic() - self._registered_at
        return self._state.current.is_classic and age > _REGISTER_AGAIN_SECONDS

    def _register(self) -> None:
        answer = self._client.register(registration_body(self._identity))
        was_retired = self._state.current.is_retired and answer.role is None
        self._state.registered(answer)
        self._registered_at = self._clock.monotonic()
        if was_retired:  # an old backend does not know that this host has handed over
            self._state.gave_way()
        standing = self._state.current
        logger.info(
            "Registered as %s of %s",
            standing.role,
            standing.agent_id,
            extra={
                "action": "agent_registered",
                "agent_id": standing.agent_id,
                "instance_id": self._identity.instance_id,
                "role": standing.role,
                "epoch": standing.epoch,
            },
        )
        if not self._has_resumed:
            self._has_resumed = True
            self._actor.resume()

    def _sync(self) -> None:
        body = {
            "instance_id": self._identity.instance_id,
            "config_version": self._state.current.config_version,
            "commands": self._held_commands(),
            **self._vitals.read(),
        }
        try:
            answer = self._client.sync(self._state.agent_id, body)
        except PermanentBackendError as error:
            if not error.is_unknown_route and not error.is_unknown_agent:
                raise
            logger.warning(
                "The backend does not know this agent, or has no sync: registering again",
                extra={"action": "sync_refused", "status": error.status},
            )
            self._state.forgotten()
            self._register()
            return
        self._state.synced(answer)
        self._plans.keep(answer.emergency_plan)
        if self._state.current.enabled:
            for command in answer.commands:
                self._actor.accept(command)

    def _held_commands(self) -> list[str]:
        """The commands that this host has not yet answered for good."""
        unfinished = [
            entry.command.id for entry in self._journal.unfinished() if not entry.command.is_local
        ]
        return unfinished + self._outbox.unacknowledged()
