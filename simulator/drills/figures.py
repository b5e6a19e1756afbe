"""Figures and verdict: plain arithmetic over the evidence."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from simulator.drills.evidence import OUR_TAG, CommandEntry, Evidence, Machine, SwitchEntry

FINAL = frozenset({"completed", "failed", "cancelled", "expired"})
PROMOTIONS = frozenset({"promotion", "termination", "loss", "rebalance"})
EXPLAINED = frozenset({"primary", "candidate", "replica"})


class Verdict(NamedTuple):
    """The figures, and a sentence for every broken promise."""

    figures: dict[str, Any]
    broken: list[str]


def judge(evidence: Evidence) -> Verdict:
    """Compare the region with the books."""
    switches = evidence.books.switches
    succeeded = [s for s in switches if s.status == "completed"]
    problems = {
        "lost": lost_agents(evidence),
        "duplicate_launches": duplicate_launches(evidence.machines),
        "orphan_instances": orphan_instances(evidence),
        "double_primaries": double_primaries(evidence),
        "commands_lost": lost_commands(evidence),
        "unclean_switches": unclean_switches(evidence),
    }
    calls = sum(evidence.calls.values())
    figures: dict[str, Any] = {
        "agents": len(evidence.books.agents),
        "switches": len(switches),
        "succeeded": len(succeeded),
        "failed": sum(1 for s in switches if s.status == "failed"),
        "notices": sum(1 for m in evidence.machines if m.notice_at is not None),
        "promoted": sum(1 for s in succeeded if s.cause in PROMOTIONS),
        "launched": sum(1 for m in evidence.machines if m.by_agent),
        **{name: len(found) for name, found in problems.items()},
        "ec2_calls": calls,
        "ec2_calls_per_agent_hour": _ratio(calls, evidence.agent_hours),
        "ec2_calls_by_action": dict(evidence.calls),
        "seconds": spread(_durations(succeeded)),
        "old_instance_gone_seconds": spread(_until_old_is_gone(evidence, succeeded)),
        "start_to_registered_seconds": spread(_registrations(evidence)),
        "failures": dict(Counter(_failure(s) for s in switches if s.status == "failed")),
    }
    return Verdict(figures, [sentence for found in problems.values() for sentence in found])


def duplicate_launches(machines: Sequence[Machine]) -> list[str]:
    """Return a sentence for every instance launched for an order that had a live one already."""
    sentences = []
    by_order: dict[str, list[Machine]] = {}
    for machine in sorted(machines, key=lambda m: m.launched_at):
        if not machine.by_agent or machine.order_id is None:
            continue
        earlier = by_order.setdefault(machine.order_id, [])
        for other in earlier:
            if other.ended_at is None or other.ended_at > machine.launched_at:
                sentences.append(
                    f"{machine.instance_id} was launched for {machine.order_id} while "
                    f"{other.instance_id} lived"
                )
                break
        earlier.append(machine)
    return sentences


def orphan_instances(evidence: Evidence) -> list[str]:
    """Return a sentence for every live instance that the books do not explain."""
    books = evidence.books
    roles = {entry.instance_id: entry for entry in books.instances}
    busy = {switch.agent_id for switch in books.switches if switch.is_open}
    sentences = []
    for machine in evidence.machines:
        if not machine.is_live or _is_ec2s(machine, evidence.taken_at):
            continue
        entry = roles.get(machine.instance_id)
        if entry is None:
            ours = machine.tags.get(OUR_TAG[0]) == OUR_TAG[1]
            whose = "is ours by its tags and" if ours else "was made by hand and"
            sentences.append(f"{machine.instance_id} {whose} runs unknown to the backend")
        elif entry.role not in EXPLAINED and entry.agent_id not in busy:
            sentences.append(f"{machine.instance_id} still runs although it is {entry.role}")
    return sentences


def _is_ec2s(machine: Machine, now: datetime | None) -> bool:
    """Whether EC2 has announced to end the machine: nobody else has to."""
    return now is not None and machine.deadline_at is not None and now < machine.deadline_at


def double_primaries(evidence: Evidence) -> list[str]:
    """Return a sentence for every agent that had two primaries in one epoch, or has two now."""
    names = {agent.agent_id: agent.logical_agent_id for agent in evidence.books.agents}
    return [
        f"{names.get(agent_id, agent_id)} had the primaries {', '.join(sorted(found))} in epoch "
        f"{epoch}"
        for (agent_id, epoch), found in evidence.primaries.items()
        if len(found) > 1
    ] + [
        f"{agent.logical_agent_id} has the live primaries {', '.join(present)}, the agent's row "
        f"names {agent.primary_instance_id}"
        for agent in evidence.books.agents
        if (present := _present_primaries(evidence, agent.agent_id))
        not in ([], [agent.primary_instance_id])
    ]


def _present_primaries(evidence: Evidence, agent_id: str) -> list[str]:
    """Return the live instances that are primary in the books, or in their own belief."""
    live = {machine.instance_id: machine for machine in evidence.machines if machine.is_live}
    return sorted(
        entry.instance_id
        for entry in evidence.books.instances
        if entry.agent_id == agent_id
        and entry.instance_id in live
        and "primary" in (entry.role, live[entry.instance_id].believes)
    )


def lost_agents(evidence: Evidence) -> list[str]:
    """Return a sentence for every agent whose primary does not live."""
    live = {machine.instance_id for machine in evidence.machines if machine.is_live}
    return [
        f"{agent.logical_agent_id} is lost: its primary {agent.primary_instance_id} does not run"
        for agent in evidence.books.agents
        if agent.primary_instance_id not in live
    ]


def lost_commands(evidence: Evidence) -> list[str]:
    """Return a sentence for every command that vanished or never came to an end."""
    known = {command.command_id for command in evidence.books.commands}
    gone = [f"command {name} was confirmed and is unknown" for name in evidence.issued]
    vanished = [s for name, s in zip(evidence.issued, gone, strict=True) if name not in known]
    unfinished = [
        f"command {command.command_id} ({command.command_type}) is still {command.status}"
        for command in evidence.books.commands
        if command.status not in FINAL and not _is_planned(command, evidence.taken_at)
    ]
    return vanished + unfinished


def _is_planned(command: CommandEntry, now: datetime | None) -> bool:
    """Whether a command is not to be carried out before a later instant."""
    try:
        due = datetime.fromisoformat(command.not_before or "")
    except ValueError:
        return False
    return now is not None and now < due


def unclean_switches(evidence: Evidence) -> list[str]:
    """Return a sentence for every switch that has no end, no reason, or no real new instance."""
    machines = {machine.instance_id: machine for machine in evidence.machines}
    messages = {c.command_id: c.message for c in evidence.books.commands}
    sentences = []
    for switch in evidence.books.switches:
        new = machines.get(switch.new_instance_id or "")
        if switch.is_open:
            sentences.append(f"switch {switch.switch_id} is still {switch.status}")
        elif switch.status == "completed" and new is None:
            sentences.append(
                f"switch {switch.switch_id} completed with {switch.new_instance_id}, which never "
                "existed"
            )
        elif switch.status == "failed" and not (
            switch.failed_step or messages.get(switch.command_id or "")
        ):
            sentences.append(f"switch {switch.switch_id} failed without saying at which step")
    return sentences


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """Return p50, p99 and the maximum (nearest rank); None where there is no value."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None, "max": None}
    return {
        "p50": round(_rank(ordered, 0.50), 2),
        "p99": round(_rank(ordered, 0.99), 2),
        "max": round(ordered[-1], 2),
    }


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _ratio(count: int, hours: float) -> float | None:
    return round(count / hours, 1) if hours > 0 else None


def _failure(switch: SwitchEntry) -> str:
    step = f"{switch.failed_step or 'unknown step'}: "
    return step + (switch.reason or "no reason").removeprefix(step)


def _durations(switches: Sequence[SwitchEntry]) -> list[float]:
    return [
        (switch.ended_at - switch.requested_at).total_seconds()
        for switch in switches
        if switch.ended_at is not None
    ]


def _until_old_is_gone(evidence: Evidence, switches: Sequence[SwitchEntry]) -> list[float]:
    ended = {m.instance_id: m.ended_at for m in evidence.machines if m.ended_at is not None}
    return [
        (ended[switch.old_instance_id] - switch.requested_at).total_seconds()
        for switch in switches
        if switch.old_instance_id in ended
    ]


def _registrations(evidence: Evidence) -> list[float]:
    launched = {machine.instance_id: machine.launched_at for machine in evidence.machines}
    return [
        (entry.first_seen_at - launched[entry.instance_id]).total_seconds() - evidence.boot_seconds
        for entry in evidence.books.instances
        if entry.first_seen_at is not None and entry.instance_id in launched
    ]
