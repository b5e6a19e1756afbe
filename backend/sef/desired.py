"""Desired standbys against actual ones: what the coordinator would change for one agent, and why.

Pure. An emergency is not decided here: while one is open for an agent, only what is broken is
closed, and nothing is ordered or stood down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from backend.domain.commands import NATIVE_PROTOCOL, CommandStatus, Priority
from backend.domain.replica_orders import FETCH_WITHIN, ReplicaKind
from backend.domain.replicas import ReplicaStatus
from backend.sef.restraint import LAUNCHES_PER_HOUR, pause_after, rest_after

BOOT_PATIENCE: Final = timedelta(minutes=10)  # from the launch to the first word of its own agent
LONGEST_LAUNCH: Final = timedelta(hours=1)  # also for a holder that renews its lease for ever
CHOSEN_PATIENCE: Final = timedelta(minutes=30)  # a replica that was chosen is not stood down before
STAND_DOWN_AFTER: Final = timedelta(hours=2)  # a rebalance signal without a notice
# EC2 ends what it gave notice of, and does not charge for it then: ours to end only afterwards.
AFTER_NOTICE: Final = timedelta(minutes=7)

Flaw = Literal[
    "launch_failed", "never_launched", "never_registered", "instance_ended", "standby_silent"
]
Hindrance = Literal[
    "frozen", "primary_silent", "launches_fail", "stood_down_lately", "launch_budget", "slots_taken"
]
_ENDED_COMMANDS: Final = frozenset(
    {CommandStatus.FAILED, CommandStatus.CANCELLED, CommandStatus.EXPIRED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """A live replica as the books show it.

    Attributes:
        protocol: Of the agent on it, or of its launcher while nobody knows.
        held_until: End of the lease of whoever is to launch it; None while nobody took it.
        heard_at: The last word of its own agent; None before the first one.
    """

    replica_id: str
    kind: ReplicaKind
    status: ReplicaStatus
    protocol: int
    instance_id: str | None
    created_at: datetime
    launched_at: datetime | None = None
    heard_at: datetime | None = None
    held_until: datetime | None = None
    doomed_at: datetime | None = None
    has_ended: bool = False
    command_status: CommandStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNow:
    """What the decision for an agent rests on.

    Attributes:
        is_active: Enabled and not deleted.
        is_manual: A hot standby at all times.
        is_frozen: Nothing voluntary happens.
        is_reachable: Somebody hears an order to launch: the primary was heard lately.
        is_primary_heard: The primary was heard in the last moments. Where it was not, something
            between us and both may be down, and the silence of a standby proves nothing.
        has_emergency: A notice or a loss of the primary is being handled.
        rebalance_event_id: The open rebalance signal of the primary, if any.
        failed_launches: Standbys that failed in ``REMEMBERED``, without a success since.
        stand_downs: Rebalance signals that came to nothing in ``REMEMBERED``.
        launches: Counted launches within the last hour.
    """

    agent_id: str
    is_active: bool = True
    is_deleted: bool = False
    is_manual: bool = False
    is_frozen: bool = False
    is_reachable: bool = True
    is_primary_heard: bool = True
    has_emergency: bool = False
    rebalance_event_id: str | None = None
    rebalance_at: datetime | None = None
    failed_launches: int = 0
    failed_at: datetime | None = None
    stand_downs: int = 0
    stood_down_at: datetime | None = None
    launches: int = 0
    standbys: Sequence[Standby] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A standby to be ordered; ``besides`` is the doomed one that it will replace."""

    kind: ReplicaKind
    event_id: str | None
    besides: str | None
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A standby to be ended; ``is_failure``: it never served, or does so no more."""

    replica_id: str
    reason: str
    is_failure: bool = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The differences of one agent. ``hindrance`` says why nothing is ordered although wanted."""

    order: Order | None = None
    endings: tuple[Ending, ...] = ()
    hindrance: Hindrance | None = None


def decide(agent: AgentNow, *, now: datetime, silence: timedelta, counts_silence: bool) -> Steps:
    """Return what to change so that the agent has the standbys that it should have.

    Args:
        agent: The facts.
        now: The present.
        silence: A standby's own agent that is unheard for longer does not serve any more.
        counts_silence: False while silence proves nothing: after a start, after an outage.
    """
    counts = counts_silence and agent.is_primary_heard
    flaws = {
        s.replica_id: find_flaw(s, now=now, silence=silence, counts_silence=counts)
        for s in agent.standbys
    }
    endings = [
        Ending(replica_id=s.replica_id, reason=flaw, is_failure=True)
        for s in agent.standbys
        if (flaw := flaws[s.replica_id]) and not (agent.is_frozen and _still_runs(s))
    ]
    sound = [s for s in agent.standbys if flaws[s.replica_id] is None]
    if agent.has_emergency and not agent.is_deleted:
        return Steps(endings=tuple(endings))
    if agent.is_frozen:
        return Steps(endings=tuple(endings), hindrance="frozen")
    wanted = _wanted(agent, now)
    if wanted is None:
        endings += [_stand_down(s, agent) for s in sound if _may_stand_down(s, agent, now)]
        return Steps(endings=tuple(endings))
    serving = [s for s in sound if s.doomed_at is None]
    if serving:
        endings += _superfluous(serving, sound)
        return Steps(endings=tuple(endings))
    # What fails in this pass gives its slot free in this pass; a frozen one does not get here.
    hindrance = _hindrance(agent, sound, now)
    if hindrance is not None:
        return Steps(endings=tuple(endings), hindrance=hindrance)
    order = Order(
        kind=wanted,
        event_id=agent.rebalance_event_id if wanted == "automatic-rebalance" else None,
        besides=sound[0].replica_id if sound else None,
        priority=Priority.MANUAL if wanted == "manual" else Priority.ENGINE_URGENT,
    )
    return Steps(order=order, endings=tuple(endings))


def find_flaw(
    standby: Standby, *, now: datetime, silence: timedelta, counts_silence: bool
) -> Flaw | None:
    """Say why a live replica will not serve, or None when it does or still may."""
    if standby.instance_id is None:
        if standby.command_status in _ENDED_COMMANDS:
            return "launch_failed"
        patience = standby.held_until or standby.created_at + FETCH_WITHIN
        is_late = now > patience or now > standby.created_at + LONGEST_LAUNCH
        return "never_launched" if is_late else None
    if standby.has_ended:
        return "instance_ended"
    if standby.protocol < NATIVE_PROTOCOL or not counts_silence:
        return None  # no agent of ours runs on it: its launcher watches it
    if standby.heard_at is None:
        launched_at = standby.launched_at or standby.created_at
        return "never_registered" if now > launched_at + BOOT_PATIENCE else None
    return "standby_silent" if now - standby.heard_at > silence else None


def _wanted(agent: AgentNow, now: datetime) -> ReplicaKind | None:
    if not agent.is_active:
        return None
    if agent.is_manual:
        return "manual"
    is_at_risk = agent.rebalance_at is not None and now - agent.rebalance_at < STAND_DOWN_AFTER
    return "automatic-rebalance" if is_at_risk else None


def _hindrance(agent: AgentNow, sound: Sequence[Standby], now: datetime) -> Hindrance | None:
    is_rebalance = not agent.is_manual
    checks: tuple[tuple[bool, Hindrance], ...] = (
        (not agent.is_reachable, "primary_silent"),
        (len(sound) > 1, "slots_taken"),
        (
            agent.failed_at is not None
            and now < agent.failed_at + pause_after(agent.failed_launches),
            "launches_fail",
        ),
        (
            is_rebalance
            and agent.stood_down_at is not None
            and now < agent.stood_down_at + rest_after(agent.stand_downs),
            "stood_down_lately",
        ),
        (agent.launches >= LAUNCHES_PER_HOUR, "launch_budget"),
    )
    return next((hindrance for applies, hindrance in checks if applies), None)


def _superfluous(serving: Sequence[Standby], sound: Sequence[Standby]) -> list[Ending]:
    """End what a ready standby makes superfluous.

    The newest ready one serves: it was prepared to take an older one's place. What is younger than
    that is being prepared itself, at somebody's wish, and stays.
    """
    ready = [s for s in serving if s.status is ReplicaStatus.READY]
    if not ready:
        return []
    best = max(ready, key=lambda s: (s.created_at, s.replica_id))
    endings = [
        Ending(
            replica_id=s.replica_id,
            reason="replaced" if s.status is ReplicaStatus.READY else "surplus",
        )
        for s in serving
        if s is not best
        and s.status is not ReplicaStatus.PROMOTING
        and (s.status is ReplicaStatus.READY or s.created_at <= best.created_at)
    ]
    endings += [
        Ending(replica_id=s.replica_id, reason="replaced", not_before=s.doomed_at + AFTER_NOTICE)
        for s in sound
        if s.doomed_at is not None
    ]
    return endings


def _may_stand_down(standby: Standby, agent: AgentNow, now: datetime) -> bool:
    is_chosen = standby.status is ReplicaStatus.PROMOTING
    return agent.is_deleted or not is_chosen or now - standby.created_at > CHOSEN_PATIENCE


def _stand_down(standby: Standby, agent: AgentNow) -> Ending:
    reason = "agent_deleted" if agent.is_deleted else "not_wanted"
    not_before = standby.doomed_at + AFTER_NOTICE if standby.doomed_at else None
    return Ending(replica_id=standby.replica_id, reason=reason, not_before=not_before)


def _still_runs(standby: Standby) -> bool:
    return standby.instance_id is not None and not standby.has_ended
