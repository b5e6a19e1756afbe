"""The calls of installed agents, for a backend that knows no sync."""

from __future__ import annotations

from agent.actions.actor import Actor
from agent.backend_client.client import BackendClient
from agent.clock import Clock
from agent.config import Settings
from agent.errors import PermanentBackendError
from agent.identity import Identity
from agent.state import AgentState


class ClassicCalls:
    """Heartbeat, settings and commands, each at its own interval."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        actor: Actor,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._client = client
        self._actor = actor
        self._clock = clock
        self._due: dict[str, float] = {}

    def poll(self) -> None:
        """Make the calls that are due. An unknown agent is remembered as not registered."""
        agent_id = self._state.agent_id
        try:
            if self._is_due("heartbeat", self._settings.heartbeat_interval):
                self._client.heartbeat(agent_id, self._beat())
            if self._is_due("config", self._settings.config_refresh_interval):
                config = self._client.fetch_config(agent_id)
                if not self._state.current.is_retired:
                    self._state.configured(config)
            if self._state.current.enabled and self._is_due(
                "commands", self._settings.pending_commands_check_interval
            ):
                for command in self._client.pending_commands(agent_id):
                    self._actor.accept(command)
        except PermanentBackendError as error:
            if error.status == 404:  # noqa: PLR2004 - HTTP's own
                self._state.forgotten()
            raise

    def _is_due(self, call: str, interval: float) -> bool:
        now = self._clock.monotonic()
        if now < self._due.get(call, 0.0):
            return False
        self._due[call] = now + interval * 0.9  # the loop that calls has jitter of its own
        return True

    def _beat(self) -> dict[str, object]:
        identity = self._identity
        return {
            "status": "online" if self._state.current.enabled else "disabled",
            "monitored_instances": [identity.instance_id],
            "instance_id": identity.instance_id,
            "instance_type": identity.instance_type,
            "mode": identity.mode,
            "az": identity.az,
        }
