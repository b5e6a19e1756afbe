"""Verdict on an emergency: plain arithmetic over the evidence."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.drills.emergency_evidence import EmergencyEvidence, EventEntry
from simulator.drills.figures import PROMOTIONS, Verdict, judge, spread

TERMINATION = "termination-notice"


def judge_emergency(evidence: EmergencyEvidence) -> Verdict:
    """Compare region and books; the figures of every drill come first."""
    base = judge(evidence.base)
    problems = {
        "unheard_notices": unheard_notices(evidence),
        "repeated_events": repeated_events(evidence),
        "open_events": open_events(evidence),
        "superfluous_replacements": superfluous_replacements(evidence),
        "stray_replicas": stray_replicas(evidence),
        "repeated_promotions": repeated_promotions(evidence),
        "doors_led_astray": doors_led_astray(evidence),
    }
    events, notified = evidence.books.events, evidence.books.notifications
    figures: dict[str, Any] = {
        **base.figures,
        **{name: len(found) for name, found in problems.items()},
        "events": len(events),
        "event_outcomes": dict(Counter(f"{e.signal_type}: {e.status}" for e in events)),
        "notice_to_committed": spread(_until(evidence, "committed_at")),
        "notice_to_traffic": spread(_until_traffic(evidence)),
        "notice_to_verified": spread(_until(evidence, "verified_at")),
        "backend_answer": spread(_answers(evidence)),
        "light_hand_over": spread(_hand_overs(evidence)),
        "notifications": dict(Counter(f"{n.severity} {n.notification_type}" for n in notified)),
    }
    return Verdict(figures, [*base.broken, *(s for found in problems.values() for s in found)])


def unheard_notices(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every notice in instance metadata that the books do not know."""
    known = {e.instance_id for e in evidence.books.events if e.signal_type == TERMINATION}
    return [
        f"{machine.instance_id} was noticed, and the backend does not know it"
        for machine in evidence.base.machines
        if machine.notice_at is not None and machine.instance_id not in known
    ]


def repeated_events(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every signal that was written down more than once."""
    counts = Counter((e.instance_id, e.signal_type) for e in evidence.books.events)
    return [
        f"the {signal} of {instance_id} has {count} events"
        for (instance_id, signal), count in counts.items()
        if count > 1
    ]


def open_events(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every event that came to no end. A recommendation may wait two hours."""
    return [
        f"event {event.event_id} ({event.signal_type} of {event.instance_id}) is still "
        f"{event.status}"
        for event in evidence.books.events
        if event.is_open and event.signal_type != "rebalance-recommendation"
    ]


def superfluous_replacements(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every event with more than one replacement that lives or took over."""
    counts = Counter(
        replica.event_id
        for replica in evidence.books.replicas
        if replica.event_id and (replica.is_live or replica.status == "promoted")
    )
    return [
        f"event {event_id} has {count} replacements"
        for event_id, count in counts.items()
        if count > 1
    ]


def stray_replicas(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every machine that runs for a standby that is no more, or never was."""
    replicas = {replica.replica_id: replica for replica in evidence.books.replicas}
    primaries = {agent.primary_instance_id for agent in evidence.base.books.agents}
    sentences = []
    for machine in evidence.base.machines:
        replica_id = machine.tags.get("ReplicaId")
        if not machine.is_live or replica_id is None or machine.instance_id in primaries:
            continue
        if _is_going(evidence, machine.deadline_at):
            continue
        replica = replicas.get(replica_id)
        if replica is None:
            sentences.append(f"{machine.instance_id} runs for the unknown replica {replica_id}")
        elif not replica.is_live or replica.instance_id != machine.instance_id:
            sentences.append(
                f"{machine.instance_id} runs for replica {replica_id}, which is {replica.status} "
                f"with {replica.instance_id}"
            )
    return sentences


def repeated_promotions(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every agent whose epoch does not match its replacements."""
    moves = Counter(
        s.agent_id
        for s in evidence.base.books.switches
        if s.status == "completed" or (s.cause in PROMOTIONS and s.cut_over_at is not None)
    )
    return [
        f"{agent.logical_agent_id} went from epoch {before} to {agent.epoch} in "
        f"{moves[agent.agent_id]} replacements"
        for agent in evidence.base.books.agents
        if (before := evidence.fresh_epochs.get(agent.agent_id)) is not None
        and agent.epoch - before != moves[agent.agent_id]
    ]


def doors_led_astray(evidence: EmergencyEvidence) -> list[str]:
    """Return a sentence for every door that does not lead to its agent's primary alone."""
    sentences = []
    for agent in evidence.base.books.agents:
        for door in evidence.doors.get(agent.logical_agent_id, ()):
            found = evidence.holders.get(door, frozenset())
            if found != {agent.primary_instance_id}:
                sentences.append(
                    f"{door.rpartition('/')[2]} of {agent.logical_agent_id} leads to "
                    f"{', '.join(sorted(found)) or 'nobody'}, its primary is "
                    f"{agent.primary_instance_id}"
                )
    return sentences


def _is_going(evidence: EmergencyEvidence, deadline: datetime | None) -> bool:
    now = evidence.base.taken_at
    return now is not None and deadline is not None and now < deadline


def _promotions(evidence: EmergencyEvidence) -> Iterable[tuple[EventEntry, datetime]]:
    """Return the events of noticed primaries that were replaced, each with its notice."""
    noticed = {m.instance_id: m.notice_at for m in evidence.base.machines if m.notice_at}
    for event in evidence.books.events:
        is_ours = event.signal_type == TERMINATION and event.committed_at is not None
        if is_ours and event.instance_id in noticed:
            yield event, noticed[event.instance_id]


def _until(evidence: EmergencyEvidence, column: str) -> list[float]:
    return [
        (instant - notice_at).total_seconds()
        for event, notice_at in _promotions(evidence)
        if (instant := getattr(event, column)) is not None
    ]


def _until_traffic(evidence: EmergencyEvidence) -> list[float]:
    """Return how long it took until every door of an agent led to its new primary."""
    names = {agent.agent_id: agent.logical_agent_id for agent in evidence.base.books.agents}
    seconds = []
    for event, notice_at in _promotions(evidence):
        doors = evidence.doors.get(names.get(event.agent_id, ""), ())
        found = [evidence.led_to.get((door, event.new_instance_id or "")) for door in doors]
        instants = [instant for instant in found if instant is not None]
        if doors and len(instants) == len(doors):
            seconds.append((max(instants) - notice_at).total_seconds())
    return seconds


def _answers(evidence: EmergencyEvidence) -> list[float]:
    found = (notice.answer_seconds for notice in evidence.notices)
    return [seconds for seconds in found if seconds is not None]


def _hand_overs(evidence: EmergencyEvidence) -> list[float]:
    """Return how long light agents waited from seeing a notice to being told to hand over."""
    return [
        (notice.handed_over_at - notice.seen_at).total_seconds()
        for notice in evidence.notices
        if notice.handed_over_at is not None
    ]
