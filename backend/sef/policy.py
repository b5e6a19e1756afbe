"""What a signal calls for: one judgement, from a frozen snapshot, that nothing can veto later.

A signal concerns the instance that it names. The same rules answer a first notice and its repeats,
so the decision for an agent that has been served already is to say so again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.fencing import Role
from backend.domain.replicas import ReplicaStatus
from backend.sef.restraint import LAUNCHES_PER_HOUR, client_budget, rest_after

PROMOTABLE_HEARD: Final = timedelta(seconds=45)  # three syncs of 15 s
CONFIRMED_RUNNING: Final = timedelta(minutes=10)  # for instances that run no agent of ours
LAUNCH_PATIENCE: Final = timedelta(minutes=10)  # a launch that was not heard of for so long failed
BUDGET_WINDOW: Final = timedelta(hours=1)


class Signal(StrEnum):
    """What was noticed."""

    REBALANCE = "rebalance-recommendation"
    TERMINATION = "termination-notice"
    LOSS = "loss"


class Act(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"  # by order: frozen, disabled
    RECORD = "record"  # the instance embodies nobody any more
    CONFIRM = "confirm"  # the promotion has been committed: say so again
    PROMOTE = "promote"
    ADOPT = "adopt"  # the running successor of the open switch takes over
    AWAIT = "await"  # a replica is on its way; it takes over as soon as it lives
    ORDER = "order"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """A live replica. ``heard_at`` None: no agent on it has said anything yet."""

    replica_id: str
    status: ReplicaStatus
    instance_id: str | None
    protocol: int
    is_doomed: bool
    heard_at: datetime | None
    confirmed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """The instance that the open switch launched, as far as it lives."""

    switch_id: str
    instance_id: str
    is_doomed: bool
    heard_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that a decision rests on.

    Attributes:
        signal: What was noticed.
        subject_id: The instance that it concerns.
        subject_role: What that is to its agent now.
        is_committed: The primary has moved away from the subject because of this signal.
        is_sef_on: The backend's own setting.
        is_enabled: The agent's setting.
        is_frozen: Emergencies are frozen too: for the agent, its client, or all.
        primary_is_noticed: The primary has an open termination notice or is lost.
        standbys: Live replicas.
        successor: Of the open switch.
        stood_down_count: Events of this kind without consequence, within ``REMEMBERED``.
        last_stood_down_at: The newest of them.
    """

    signal: Signal
    subject_id: str
    subject_role: Role
    is_committed: bool = False
    is_sef_on: bool = True
    is_enabled: bool = True
    is_frozen: bool = False
    primary_is_noticed: bool = False
    standbys: Sequence[Standby] = ()
    successor: Successor | None = None
    stood_down_count: int = 0
    last_stood_down_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do and why.

    Attributes:
        act: What.
        reason: A machine word.
        replica_id: The replica that it is about: to promote, to await, or that stands by.
        switch_id: The switch whose successor is adopted.
        promotes: An ordered replica takes over as soon as it lives.
        besides: The live replica that the ordered one is wanted in addition to.
    """

    act: Act
    reason: str
    replica_id: str | None = None
    switch_id: str | None = None
    promotes: bool = False
    besides: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """Replicas ordered within BUDGET_WINDOW, the first one after each notice not counted."""

    of_agent: int
    of_client: int
    fleet_size: int


def decide(situation: Situation, *, now: datetime) -> Decision:
    """Decide what a signal calls for."""
    if situation.is_committed:
        return Decision(act=Act.CONFIRM, reason="promoted")
    if situation.subject_role in {Role.SUPERSEDED, Role.TERMINATED}:
        return Decision(act=Act.RECORD, reason="superseded")
    obstacle = _switched_off(situation)
    if obstacle is not None:
        return Decision(act=Act.NOTHING, reason=obstacle)
    return _respond(situation, now)


def is_promotable(standby: Standby, *, now: datetime) -> bool:
    """Tell whether a replica may become primary this moment: it lives, and will go on living."""
    if standby.is_doomed or standby.instance_id is None:
        return False
    if _is_recent(standby.heard_at, PROMOTABLE_HEARD, now):
        return True
    is_classic = standby.protocol < NATIVE_PROTOCOL
    return is_classic and _is_recent(standby.confirmed_at, CONFIRMED_RUNNING, now)


def budget_obstacle(launches: Launches) -> str | None:
    """Say which budget forbids one more replica, or None when it may be ordered."""
    if launches.of_agent >= LAUNCHES_PER_HOUR:
        return "agent_launch_budget"
    if launches.of_client >= client_budget(launches.fleet_size):
        return "client_launch_budget"
    return None


def _respond(situation: Situation, now: datetime) -> Decision:
    """Decide by what the noticed instance is to its agent."""
    if situation.subject_role is Role.REPLICA:
        return _replace_replica(situation, now)
    if situation.subject_role is not Role.PRIMARY:
        return Decision(act=Act.RECORD, reason=situation.subject_role.value)
    if situation.signal is Signal.REBALANCE:
        return _stand_by(situation, now)
    return _save(situation, now)


def _switched_off(situation: Situation) -> str | None:
    checks = (
        (not situation.is_sef_on, "sef_disabled"),
        (not situation.is_enabled, "agent_disabled"),
        (situation.is_frozen, "frozen"),
    )
    return next((reason for applies, reason in checks if applies), None)


def _replace_replica(situation: Situation, now: datetime) -> Decision:
    """The standby itself is in danger: order another; the primary is untouched."""
    other = _on_duty(situation, now)
    if other is not None:
        return Decision(
            act=Act.MONITOR, reason="replica_replaced_already", replica_id=other.replica_id
        )
    return Decision(act=Act.ORDER, reason="replica_doomed", promotes=situation.primary_is_noticed)


def _stand_by(situation: Situation, now: datetime) -> Decision:
    """A weak alarm for the primary: see to it that a replica is ready."""
    present = _on_duty(situation, now)
    if present is not None:
        is_ready = present.status is ReplicaStatus.READY
        return Decision(
            act=Act.MONITOR,
            reason="replica_ready" if is_ready else "replica_on_its_way",
            replica_id=present.replica_id,
        )
    if _is_backing_off(situation, now):
        return Decision(act=Act.MONITOR, reason="backing_off")
    return Decision(act=Act.ORDER, reason="replica_wanted")


def _save(situation: Situation, now: datetime) -> Decision:
    """The primary ends: the best vehicle that there is, else exactly one new one."""
    fit = [s for s in situation.standbys if is_promotable(s, now=now)]
    for is_ready in (True, False):
        for standby in fit:
            if (standby.status is ReplicaStatus.READY) is is_ready:
                return Decision(
                    act=Act.PROMOTE,
                    reason="replica_ready" if is_ready else "replica_runs",
                    replica_id=standby.replica_id,
                )
    successor = situation.successor
    if successor is not None and _is_adoptable(successor, situation, now):
        return Decision(act=Act.ADOPT, reason="successor_runs", switch_id=successor.switch_id)
    coming = next((s for s in situation.standbys if _is_coming(s, now)), None)
    if coming is not None:
        return Decision(act=Act.AWAIT, reason="replica_on_its_way", replica_id=coming.replica_id)
    silent = next((s for s in situation.standbys if not s.is_doomed), None)
    return Decision(
        act=Act.ORDER,
        reason="replica_silent" if silent else "no_replica",
        promotes=True,
        besides=silent.replica_id if silent else None,
    )


def _on_duty(situation: Situation, now: datetime) -> Standby | None:
    """Return the replica that stands by or will soon, other than the subject itself."""
    for standby in situation.standbys:
        if standby.instance_id == situation.subject_id or standby.is_doomed:
            continue
        if is_promotable(standby, now=now) or _is_coming(standby, now):
            return standby
    # A silent one still holds the place: whether it is dead is not for this signal to say.
    return next(
        (
            s
            for s in situation.standbys
            if not s.is_doomed and s.instance_id != situation.subject_id
        ),
        None,
    )


def _is_coming(standby: Standby, now: datetime) -> bool:
    """Tell whether a replica is being launched or boots."""
    return (
        not standby.is_doomed
        and standby.heard_at is None
        and standby.status is not ReplicaStatus.READY
        and _is_recent(standby.created_at, LAUNCH_PATIENCE, now)
    )


def _is_adoptable(successor: Successor, situation: Situation, now: datetime) -> bool:
    return (
        not successor.is_doomed
        and successor.instance_id != situation.subject_id
        and _is_recent(successor.heard_at, PROMOTABLE_HEARD, now)
    )


def _is_backing_off(situation: Situation, now: datetime) -> bool:
    last = situation.last_stood_down_at
    return last is not None and now < last + rest_after(situation.stood_down_count)


def _is_recent(at: datetime | None, within: timedelta, now: datetime) -> bool:
    return at is not None and at >= now - within
