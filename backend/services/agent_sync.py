"""Sync: everything that an agent of ours and the backend tell each other, in one round trip.

Nearly always there is nothing new. So each process remembers what it answered an instance, with the
``news_count`` that the answer was read with; while the database still has that count, the answer
holds, and the sync costs one UPDATE. See ``repositories/news.py`` for who counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from backend.clock import Clock
from backend.db.database import Database
from backend.db.grouping import Grouping
from backend.db.session import Row
from backend.domain.agent_config import AgentConfig, config_from
from backend.domain.commands import Priority
from backend.domain.fencing import Role
from backend.domain.identity import Sender
from backend.errors import NotFound
from backend.repositories import instances
from backend.repositories.instances import IdleSync
from backend.services.command_queue import LIVE_WINDOW, lease_seconds, log_leases
from backend.services.emergency_plans import EmergencyPlans
from backend.services.expiring_cache import ExpiringCache
from backend.services.presence import Heartbeat, Presence

# A writer that forgot to tell the news delays it by this much, and no more.
LOOK_AGAIN_SECONDS = 120.0
REMEMBERED_ANSWERS = 20_000  # 10,000 agents with a second instance each; some 20 MB at most

_Key = tuple[str, str, str]  # client, agent, instance
_IDLE_ROLES = frozenset({Role.SUPERSEDED, Role.TERMINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the host is doing; each 0 to 100, or None where unknown."""

    cpu_percent: Decimal | None = None
    memory_percent: Decimal | None = None
    disk_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """Where the instance stands and what it has to do.

    ``emergency_plan`` None: what was sent before stands.
    """

    role: Role
    epoch: int
    primary_instance_id: str | None
    config: AgentConfig
    commands: Sequence[Row]
    emergency_plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Remembered:
    news_count: int
    answer: Synced


class AgentSync:
    """Answers sync calls of agents that speak protocol 5. Thread-safe."""

    def __init__(
        self, database: Database, clock: Clock, presence: Presence, plans: EmergencyPlans
    ) -> None:
        self._database = database
        self._clock = clock
        self._presence = presence
        self._plans = plans
        self._remembered: ExpiringCache[_Key, _Remembered] = ExpiringCache(
            clock, capacity=REMEMBERED_ANSWERS
        )
        self._idle = Grouping(self._sync_idly, self._sync_idly_together)

    def sync(self, client_id: str, agent_id: str, instance_id: str, vitals: Vitals) -> Synced:
        """Note a sign of life and answer role, epoch, settings and commands.

        Idempotent: commands that the instance holds already are handed out again.

        Raises:
            NotFound: unknown agent or instance; the agent should register again.
        """
        key = (client_id, agent_id, instance_id)
        remembered = self._remembered.get(key)
        if remembered is not None:
            if self._still_holds(key, vitals, remembered):
                return remembered.answer
            self._remembered.forget(key)
        sets = self._call(key, vitals)
        if not sets:
            sender = Sender(instance_id=instance_id, is_native=True)
            self._presence.beat_slowly(client_id, agent_id, Heartbeat(sender=sender))
            sets = self._call(key, vitals)
        if not sets:
            raise NotFound("This instance is not registered", field="instance_id")
        return self._read(key, sets)

    def _read(self, key: _Key, sets: list[list[Row]]) -> Synced:
        """Return the answer, and remember it when no command waits for anybody.

        A primary gets its plan for an emergency along with what was read, and only then: whatever
        changes the plan for good is news too.
        """
        state = sets[0][0]
        leased = sets[2] if len(sets) > 2 else []  # noqa: PLR2004 - state, caller, commands
        log_leases(key[1], leased)
        answer = _synced(state, leased)
        if len(sets) == 1:
            entry = _Remembered(state["news_count"], answer)
            self._remembered.put(key, entry, seconds=LOOK_AGAIN_SECONDS)
        if answer.role is not Role.PRIMARY:
            return answer
        return replace(answer, emergency_plan=self._plans.plan_for(key[0], key[1]))

    def _still_holds(self, key: _Key, vitals: Vitals, remembered: _Remembered) -> bool:
        client_id, agent_id, instance_id = key
        return self._idle.do(
            IdleSync(
                client_id=client_id,
                agent_id=agent_id,
                instance_id=instance_id,
                cpu_percent=vitals.cpu_percent,
                memory_percent=vitals.memory_percent,
                disk_percent=vitals.disk_percent,
                known_news=remembered.news_count,
            )
        )

    def _sync_idly(self, sync: IdleSync) -> bool:
        now = self._clock.now()
        return self._database.run("sync_idly", lambda s: instances.sync_idly(s, sync, now=now))

    def _sync_idly_together(self, syncs: Sequence[IdleSync]) -> bool:
        now = self._clock.now()
        return self._database.run(
            "sync_idly_together", lambda s: instances.sync_idly_together(s, syncs, now=now)
        )

    def _call(self, key: _Key, vitals: Vitals) -> list[list[Row]]:
        client_id, agent_id, instance_id = key
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
