"""Signals of installed agents: the same rules, one vehicle per event for what each can launch.

Agents 4.0.0 that ask for an emergency replica fetch its row as a launch order; those that only
repeat the notice are told once, in the answer, to launch. Agents 3.x can do nothing but switch.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row
from backend.domain.commands import Priority
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.errors import Conflict, InvalidRequest, NotFound
from backend.repositories import agents, instances
from backend.sef.plans import PlanAction
from backend.sef.policy import Signal
from backend.sef.pools import Need, Ranking
from backend.services.interruptions import Handled, Interruptions, Notice
from backend.services.pool_choice import rank_for
from backend.services.switch_requests import SwitchRequest, SwitchRequests

NO_DATA_RISK: Final = 0.5  # what is told of a pool that nobody reported
_LEGACY: Final = "3."


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledNotice:
    """A signal as installed agents send it; ``instance_id`` None speaks for the primary."""

    instance_id: str | None
    detected_at: datetime | None = None
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalanced:
    """``risk`` is the chance in [0, 1] that the pool is interrupted within an hour."""

    handled: Handled
    risk: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """``must_launch``: the sender itself is to launch a replica, and is told so only once."""

    handled: Handled
    must_launch: bool


class InstalledEmergencies:
    """Handles signals of agents below protocol 5. Idempotent per notice."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        interruptions: Interruptions,
        switch_requests: SwitchRequests,
    ) -> None:
        self._database = database
        self._clock = clock
        self._interruptions = interruptions
        self._switch_requests = switch_requests

    def rebalance(self, client_id: str, agent_id: str, notice: InstalledNotice) -> Rebalanced:
        """Record that an instance is at risk.

        Orders nothing: who is able to launch a replica asks for it first, and joins this event.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
        """
        instance = self._instance(client_id, agent_id, notice)
        handled = self._interruptions.handle(
            client_id, agent_id, self._notice(instance, Signal.REBALANCE, notice, may_order=False)
        )
        return Rebalanced(handled=handled, risk=self._risk(client_id, instance))

    def order(
        self, client_id: str, agent_id: str, signal: Signal, notice: InstalledNotice
    ) -> Handled:
        """Order the one replica of a signal; a repeat is answered with the same.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
        """
        instance = self._instance(client_id, agent_id, notice)
        return self._interruptions.handle(
            client_id, agent_id, self._notice(instance, signal, notice, may_order=True)
        )

    def terminate(self, client_id: str, agent_id: str, notice: InstalledNotice) -> Terminated:
        """Handle a termination notice.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
        """
        instance = self._instance(client_id, agent_id, notice)
        is_legacy = (instance["agent_version"] or "").startswith(_LEGACY)
        handled = self._interruptions.handle(
            client_id,
            agent_id,
            self._notice(instance, Signal.TERMINATION, notice, may_order=not is_legacy),
        )
        is_stranded = is_legacy and handled.plan.reason == "no_vehicle"
        if is_stranded:
            self._switch(client_id, agent_id, instance, handled.event_id)
        is_waiting = handled.plan.action in {PlanAction.AWAIT, PlanAction.LAUNCH}
        return Terminated(handled=handled, must_launch=handled.is_ordered and is_waiting)

    def _instance(self, client_id: str, agent_id: str, notice: InstalledNotice) -> Row:
        agent = self._database.run(
            "find_agent", lambda s: agents.find_agent(s, client_id, agent_id)
        )
        if agent is None or agent["status"] == "deleted":
            raise NotFound("Unknown agent", field="agent_id")
        instance_id = notice.instance_id or agent["primary_instance_id"] or ""
        found = self._database.run(
            "find_instance",
            lambda s: instances.find_instance(s, client_id, agent_id, instance_id),
        )
        if found is None:
            raise NotFound("Unknown instance", field="instance_id")
        return found

    def _notice(
        self, instance: Row, signal: Signal, notice: InstalledNotice, *, may_order: bool
    ) -> Notice:
        deadline = notice.deadline_at if signal is Signal.TERMINATION else None
        return Notice(
            instance_id=instance["instance_id"],
            signal=signal,
            notice_key=deadline.isoformat() if deadline else None,
            noticed_at=notice.detected_at or self._clock.now(),
            deadline_at=deadline,
            may_order=may_order,
        )

    def _switch(self, client_id: str, agent_id: str, instance: Row, event_id: str) -> None:
        """Order the switch that is all an agent 3.x can do; one that is open will have to do."""
        ranking = self._rank(client_id, instance)
        pool = ranking.spot[0].name if ranking.spot else None
        wish = SwitchRequest(
            target_mode=Mode.SPOT if pool else Mode.ONDEMAND,
            pool_id=pool,
            priority=Priority.EMERGENCY,
            reason=Signal.TERMINATION,
            requested_by="system",
            idempotency_key=f"event:{event_id}",
        )
        try:
            self._switch_requests.request(client_id, agent_id, wish)
        except (Conflict, InvalidRequest):
            return

    def _risk(self, client_id: str, instance: Row) -> float:
        own = pool_of(instance["instance_type"], instance["az"], Mode(instance["mode"]))
        ranking = self._rank(client_id, instance)
        known = [option.risk for option, _ in ranking.refused if option.name == own]
        return known[0] if known else NO_DATA_RISK

    def _rank(self, client_id: str, instance: Row) -> Ranking:
        now, need = self._clock.now(), _need(instance)
        return self._database.run("rank_pools", lambda s: rank_for(s, client_id, need, now=now))


def _need(instance: Row) -> Need:
    own = pool_of(instance["instance_type"], instance["az"], Mode(instance["mode"]))
    return Need(
        region=instance["region"],
        instance_types=(instance["instance_type"],),
        own_pools=frozenset({own} if own else ()),
        own_az=instance["az"],
        is_emergency=True,
    )
