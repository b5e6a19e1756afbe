"""Who is the primary: the roles of an agent's instances and how they change.

An agent has exactly one primary; its ``epoch`` grows by one whenever that changes. Here is only
the judgement, from a snapshot; the stored procedures apply it if the epoch is still the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.modes import Mode
from backend.domain.switches import SwitchStatus


class Role(StrEnum):
    """What an instance is to its agent."""

    PRIMARY = "primary"
    SUCCESSOR = "successor"
    REPLICA = "replica"
    CANDIDATE = "candidate"
    SUPERSEDED = "superseded"
    TERMINATED = "terminated"


Vacancy = Literal["primary_gone", "primary_silent"]
Explanation = Literal["switch_launch_tag", "switch_reported", "switch_matches_target"]
RegistrationReason = (
    Vacancy
    | Explanation
    | Literal[
        "first",
        "revived",
        "refresh",
        "known_replica",
        "replica_launch_tag",
        "replica_retired",
        "superseded",
        "unexplained_clone",
        "second_candidate",
        "identity_conflict",
    ]
)
ReportReason = Literal[
    "reported",
    "primary_unknown",
    "repeated",
    "same_instance",
    "superseded",
    "new_instance_retired",
    "agent_deleted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """An instance as its row shows it.

    ``role_changed_at`` gives a primary that was appointed before its first message (a reported
    switch) the same time to be heard as any other; without it such a primary counts as silent,
    and the host that it replaced could take the role back by a mere restart.
    """

    instance_id: str
    role: Role
    instance_type: str
    az: str
    last_seen_at: datetime | None
    terminated: bool
    role_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSwitch:
    """The agent's open switch.

    ``new_instance_id`` is the successor that is bound to it, ``holder_protocol`` the protocol
    of the instance that holds its command: None while the order is handed out to nobody.
    ``acknowledged`` tells that the holder said it is done, though no report came.
    """

    id: str
    command_id: str | None
    status: SwitchStatus
    target_mode: Mode | None
    target_type: str | None
    target_az: str | None
    new_instance_id: str | None
    old_instance_id: str | None
    holder_protocol: int | None
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """A snapshot of an agent.

    ``known`` is the row of the instance that is judged, None when it was never seen;
    ``candidates`` are the ids of the candidates that are alive. ``counts_silence`` is False while
    silence proves nothing: after a start or an outage of ours the primary had nobody to talk to.
    """

    agent_id: str
    epoch: int
    deleted: bool
    identity_conflict: bool
    primary: InstanceView | None
    known: InstanceView | None
    open_switch: OpenSwitch | None
    candidates: tuple[str, ...]
    counts_silence: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An instance that signs on; ``command_id`` comes from its launch tags.

    ``replica_id`` names the live replica of this agent that the instance is: the caller finds out
    (``domain.replica_claims``). ``is_retired_replica``: it was launched as one that has ended.
    """

    instance_id: str
    instance_type: str
    az: str
    mode: Mode
    protocol: int
    command_id: str | None
    replica_id: str | None
    is_retired_replica: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationDecision:
    """What a registration makes of the instance and its agent.

    Attributes:
        role: The instance's role from now on.
        creates_agent: The agent is new.
        revives_agent: The agent was deleted and starts a fresh life.
        takes_primary: The primary changes to this instance: epoch + 1, and the old primary, if
            there is another one, is superseded. Also true for a new and a revived agent.
        binds_switch_id: The open switch whose successor this instance is.
        completes_switch: That switch is completed by this registration.
        raises_conflict: Automatic take-over stops until an operator decides.
        enabled: What the instance is told; None leaves it to the agent's settings.
        reason: A machine word that says why.
    """

    role: Role
    creates_agent: bool = False
    revives_agent: bool = False
    takes_primary: bool = False
    binds_switch_id: str | None = None
    completes_switch: bool = False
    raises_conflict: bool = False
    enabled: bool | None = None
    reason: RegistrationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDecision:
    """Whether a switch report makes the new instance primary (epoch + 1), and why.

    ``moved_at`` is the instant of the change, None when nothing moves.
    """

    moves_primary: bool
    reason: ReportReason
    moved_at: datetime | None = None


def decide_registration(
    agent: AgentView | None, message: Registration, *, now: datetime, silence: timedelta
) -> RegistrationDecision:
    """Decide the role of an instance that registers.

    Args:
        agent: The agent of that name, None when there is none yet.
        message: Who registers.
        now: The present instant.
        silence: How long a primary may go unheard before its place is free.
    """
    if agent is None:
        return RegistrationDecision(
            role=Role.PRIMARY, creates_agent=True, takes_primary=True, reason="first"
        )
    if agent.deleted:
        return RegistrationDecision(
            role=Role.PRIMARY, revives_agent=True, takes_primary=True, reason="revived"
        )
    if agent.primary is not None and agent.primary.instance_id == message.instance_id:
        return RegistrationDecision(role=Role.PRIMARY, reason="refresh")
    vacancy = find_vacancy(agent, now=now, silence=silence)
    if _is_retired(agent.known) or message.is_retired_replica:
        return _judge_retired(agent, message, vacancy)
    return _judge_newcomer(agent, message, vacancy)


def decide_switch_report(
    agent: AgentView, *, old_instance_id: str | None, new_instance_id: str, now: datetime
) -> ReportDecision:
    """Decide whether a switch report moves the primary.

    Only the present primary gives its place away; a late report from a superseded instance and
    a repeated one move nothing. ``agent.known``, where given, is the *new* instance's row: a
    retired instance does not become primary by an old report that is delivered again.
    """
    obstacle = _obstacle_to_report(agent, old_instance_id, new_instance_id)
    if obstacle is not None:
        return ReportDecision(moves_primary=False, reason=obstacle)
    reason: ReportReason = "primary_unknown" if agent.primary is None else "reported"
    return ReportDecision(moves_primary=True, reason=reason, moved_at=now)


def promotable_candidate(agent: AgentView, *, now: datetime, silence: timedelta) -> str | None:
    """Return the candidate that takes the place of a silent or missing primary, if any.

    Only a sole candidate of an agent without identity conflict. Ask ``promotable_successor``
    first: an instance that a switch explains comes before one that nothing explains.
    """
    if agent.deleted or agent.identity_conflict or len(agent.candidates) != 1:
        return None
    if find_vacancy(agent, now=now, silence=silence) is None:
        return None
    return agent.candidates[0]


def promotable_successor(agent: AgentView, *, now: datetime, silence: timedelta) -> str | None:
    """Return the successor that completes its switch because the old primary is no more.

    An installed agent with auto-terminate on ends its own host before it reports. Its successor
    mostly registers while the old primary still counts as heard, and never registers again; so
    this rule, the same as at registration, must also be asked by a job. ``agent.known`` is the
    successor's row; it must itself be alive.
    """
    switch, successor = agent.open_switch, agent.known
    if agent.deleted or switch is None or successor is None:
        return None
    if successor.role is not Role.SUCCESSOR or switch.new_instance_id != successor.instance_id:
        return None
    if successor.terminated or is_silent(successor, now=now, silence=silence):
        return None
    vacancy = find_vacancy(agent, now=now, silence=silence)
    return successor.instance_id if _may_complete(switch, vacancy) else None


def is_silent(instance: InstanceView, *, now: datetime, silence: timedelta) -> bool:
    """Tell whether an instance has gone unheard for longer than ``silence``."""
    signs = [at for at in (instance.last_seen_at, instance.role_changed_at) if at is not None]
    return not signs or max(signs) < now - silence


def find_vacancy(agent: AgentView, *, now: datetime, silence: timedelta) -> Vacancy | None:
    """Say why the primary's place is free, or None while a living primary holds it."""
    if agent.primary is None or agent.primary.terminated:
        return "primary_gone"
    if agent.counts_silence and is_silent(agent.primary, now=now, silence=silence):
        return "primary_silent"
    return None


def _is_retired(known: InstanceView | None) -> bool:
    return known is not None and (
        known.terminated or known.role in {Role.SUPERSEDED, Role.TERMINATED}
    )


def _judge_retired(
    agent: AgentView, message: Registration, vacancy: Vacancy | None
) -> RegistrationDecision:
    """A retired instance never takes the primary back while the present primary lives."""
    if vacancy is None or _is_contested(agent, message):
        reason: RegistrationReason = (
            "replica_retired" if message.is_retired_replica else "superseded"
        )
        return RegistrationDecision(role=Role.SUPERSEDED, enabled=False, reason=reason)
    return RegistrationDecision(role=Role.PRIMARY, takes_primary=True, reason=vacancy)


def _judge_newcomer(
    agent: AgentView, message: Registration, vacancy: Vacancy | None
) -> RegistrationDecision:
    """An instance that is neither primary nor retired is what an order makes of it, if any does."""
    if agent.known is not None and agent.known.role is Role.REPLICA:
        return RegistrationDecision(role=Role.REPLICA, reason="known_replica")
    explanation = _explain_by_switch(agent, message)
    if agent.open_switch is not None and explanation is not None:
        return _judge_successor(agent.open_switch, vacancy, explanation)
    if message.replica_id is not None:
        return RegistrationDecision(role=Role.REPLICA, reason="replica_launch_tag")
    return _judge_stranger(agent, message, vacancy)


def _explain_by_switch(agent: AgentView, message: Registration) -> Explanation | None:
    switch = agent.open_switch
    if switch is None or switch.new_instance_id not in {None, message.instance_id}:
        return None
    if switch.command_id is not None and switch.command_id == message.command_id:
        return "switch_launch_tag"
    if switch.new_instance_id == message.instance_id:
        return "switch_reported"
    if _matches_target(agent, switch, message):
        return "switch_matches_target"
    return None


def _matches_target(agent: AgentView, switch: OpenSwitch, message: Registration) -> bool:
    """Recognize the successor of an installed agent, which carries no launch tag.

    By type and zone of an order in an installed agent's hands; what the order leaves open is as
    on the old primary, because installed agents copy it from there. Not by mode: they report a
    mode that they cannot read as on-demand. An instance that was seen before the match is no
    successor, and where identities are in conflict a likeness proves nothing.
    """
    if message.protocol >= NATIVE_PROTOCOL or not _is_classic(switch):
        return False
    if agent.known is not None or agent.identity_conflict:
        return False
    primary = agent.primary
    expected_type = switch.target_type or (primary.instance_type if primary else None)
    expected_az = switch.target_az or (primary.az if primary else None)
    return (message.instance_type, message.az) == (expected_type, expected_az)


def _judge_successor(
    switch: OpenSwitch, vacancy: Vacancy | None, explanation: Explanation
) -> RegistrationDecision:
    completes = _may_complete(switch, vacancy)
    return RegistrationDecision(
        role=Role.PRIMARY if completes else Role.SUCCESSOR,
        takes_primary=completes,
        completes_switch=completes,
        binds_switch_id=switch.id,
        reason=explanation,
    )


def _may_complete(switch: OpenSwitch, vacancy: Vacancy | None) -> bool:
    """Tell whether a successor may take over although the switch was not reported.

    An installed agent that is gone or silent will never report; nor will one that acknowledged,
    because it reports before and once. Ours keeps a journal: it is waited for while it is only
    silent, but not when its host is known to be gone.
    """
    if _is_classic(switch):
        return vacancy is not None or switch.acknowledged
    return vacancy == "primary_gone"


def _is_classic(switch: OpenSwitch) -> bool:
    return switch.holder_protocol is not None and switch.holder_protocol < NATIVE_PROTOCOL


def _judge_stranger(
    agent: AgentView, message: Registration, vacancy: Vacancy | None
) -> RegistrationDecision:
    """Nothing explains this instance: it takes a free place, or waits as a candidate."""
    if vacancy is not None and not _is_contested(agent, message):
        return RegistrationDecision(role=Role.PRIMARY, takes_primary=True, reason=vacancy)
    if _has_rivals(agent, message):
        return RegistrationDecision(
            role=Role.CANDIDATE,
            raises_conflict=not agent.identity_conflict,
            reason="second_candidate",
        )
    reason: RegistrationReason = "unexplained_clone" if vacancy is None else "identity_conflict"
    return RegistrationDecision(role=Role.CANDIDATE, reason=reason)


def _is_contested(agent: AgentView, message: Registration) -> bool:
    return agent.identity_conflict or _has_rivals(agent, message)


def _has_rivals(agent: AgentView, message: Registration) -> bool:
    return any(candidate != message.instance_id for candidate in agent.candidates)


def _obstacle_to_report(
    agent: AgentView, old_instance_id: str | None, new_instance_id: str
) -> ReportReason | None:
    if agent.deleted:
        return "agent_deleted"
    if old_instance_id == new_instance_id:
        return "same_instance"
    primary = agent.primary
    if primary is not None and primary.instance_id == new_instance_id:
        return "repeated"
    if primary is not None and primary.instance_id != old_instance_id:
        return "superseded"
    known = agent.known
    if known is not None and known.instance_id == new_instance_id and _is_retired(known):
        return "new_instance_retired"
    return None
