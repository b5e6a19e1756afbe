"""Sync: everything that an agent of ours and the backend tell each other, in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row
from backend.domain.agent_config import AgentConfig, config_from
from backend.domain.commands import Priority
from backend.domain.fencing import Role
from backend.domain.identity import Sender
from backend.errors import NotFound
from backend.repositories import instances
from backend.services.command_queue import LIVE_WINDOW, lease_seconds, log_leases
from backend.services.presence import Heartbeat, Presence

_IDLE_ROLES = frozenset({Role.SUPERSEDED, Role.TERMINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the host is doing; each 0 to 100, or None where unknown."""

    cpu_percent: Decimal | None = None
    memory_percent: Decimal | None = None
    disk_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """Where the instance stands and what it has to do."""

    role: Role
    epoch: int
    primary_instance_id: str | None
    config: AgentConfig
    commands: Sequence[Row]


class AgentSync:
    """Answers sync calls of agents that speak protocol 5."""

    def __init__(self, database: Database, clock: Clock, presence: Presence) -> None:
        self._database = database
        self._clock = clock
        self._presence = presence

    def sync(self, client_id: str, agent_id: str, instance_id: str, vitals: Vitals) -> Synced:
        """Note a sign of life and answer role, epoch, settings and commands.

        Idempotent: commands that the instance holds already are handed out again.

        Raises:
            NotFound: unknown agent or instance; the agent should register again.
        """
        sets = self._call(client_id, agent_id, instance_id, vitals)
        if not sets:
            sender = Sender(instance_id=instance_id, is_native=True)
            self._presence.beat_slowly(client_id, agent_id, Heartbeat(sender=sender))
            sets = self._call(client_id, agent_id, instance_id, vitals)
        if not sets:
            raise NotFound("This instance is not registered", field="instance_id")
        state = sets[0][0]
        leased = sets[2] if len(sets) > 2 else []  # noqa: PLR2004 - state, caller, commands
        log_leases(agent_id, leased)
        return _synced(state, leased)

    def _call(
        self, client_id: str, agent_id: str, instance_id: str, vitals: Vitals
    ) -> list[list[Row]]:
        now = self._clock.now()
        return self._database.run(
            "sync_agent",
            lambda s: instances.sync_instance(
                s,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=instance_id,
                cpu_percent=vitals.cpu_percent,
                memory_percent=vitals.memory_percent,
                disk_percent=vitals.disk_percent,
                live_window=LIVE_WINDOW,
                contested_priority=Priority.EMERGENCY,
                lease_seconds=lease_seconds(),
                now=now,
            ),
        )


def _synced(state: Row, leased: Sequence[Row]) -> Synced:
    role = Role(state["role"])
    config = config_from(state)
    if role in _IDLE_ROLES or state["agent_status"] == "deleted":
        config = replace(config, enabled=False)
    return Synced(
        role=role,
        epoch=state["epoch"],
        primary_instance_id=state["primary_instance_id"],
        config=config,
        commands=leased,
    )
