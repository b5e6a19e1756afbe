"""Every pair of states of every machine, against the tables written out once more by hand."""

from enum import StrEnum

import pytest

from backend.domain.commands import COMMAND_MACHINE, CommandStatus
from backend.domain.interruptions import INTERRUPTION_MACHINE, InterruptionStatus
from backend.domain.models import MODEL_MACHINE, ModelStatus
from backend.domain.replicas import LIVE_STATUSES, REPLICA_MACHINE, ReplicaStatus
from backend.domain.state_machine import StateMachine
from backend.domain.switches import OPEN_STATUSES, SWITCH_MACHINE, SwitchStatus
from backend.errors import IllegalTransition

LEGAL = {
    "command": """
        pending > leased failed cancelled expired
        leased > completed failed cancelled expired
    """,
    "switch": """
        requested > launching running ready cut_over completed failed
        launching > running ready cut_over completed failed
        running > ready cut_over completed failed
        ready > cut_over completed failed
        cut_over > completed failed
    """,
    "replica": """
        launching > syncing ready promoting terminating failed
        syncing > ready promoting terminating failed
        ready > promoting terminating failed
        promoting > promoted terminating failed
        terminating > terminated
    """,
    "interruption event": """
        detected > responding unhandled
        responding > failed_over launched snapshotted stood_down lost
        launched > failed_over
    """,
    "model version": """
        uploaded > verified rejected
        verified > live rejected
        live > fallback
        fallback > live archived
    """,
}
MACHINES: list[tuple[StateMachine, type[StrEnum]]] = [
    (COMMAND_MACHINE, CommandStatus),
    (SWITCH_MACHINE, SwitchStatus),
    (REPLICA_MACHINE, ReplicaStatus),
    (INTERRUPTION_MACHINE, InterruptionStatus),
    (MODEL_MACHINE, ModelStatus),
]


def _legal_pairs(machine):
    lines = (line.split(" > ") for line in LEGAL[machine.name].strip().splitlines())
    return {(source.strip(), target) for source, targets in lines for target in targets.split()}


def _pairs(keep):
    return [
        pytest.param(machine, source, target, id=f"{machine.name}: {source} to {target}")
        for machine, states in MACHINES
        for source in states
        for target in states
        if keep(machine, source, target)
    ]


def _is_legal(machine, source, target):
    return (source.value, target.value) in _legal_pairs(machine)


@pytest.mark.parametrize(("machine", "source", "target"), _pairs(_is_legal))
def test_machine_takes_the_step_when_it_is_legal(machine, source, target):
    assert machine.can(source, target)
    assert machine.step(source, target) is True


@pytest.mark.parametrize(
    ("machine", "source", "target"), _pairs(lambda _, source, target: source is target)
)
def test_machine_changes_nothing_when_the_state_is_repeated(machine, source, target):
    assert not machine.can(source, target)
    assert machine.step(source, target) is False


@pytest.mark.parametrize(
    ("machine", "source", "target"),
    _pairs(lambda m, source, target: source is not target and not _is_legal(m, source, target)),
)
def test_machine_names_both_states_when_the_step_is_illegal(machine, source, target):
    assert not machine.can(source, target)
    with pytest.raises(IllegalTransition) as refused:
        machine.step(source, target)

    assert source.value in refused.value.message
    assert target.value in refused.value.message
    assert refused.value.facts == {
        "subject": machine.name,
        "present": source.value,
        "requested": target.value,
    }


@pytest.mark.parametrize(("machine", "states"), MACHINES, ids=lambda it: getattr(it, "name", ""))
def test_machine_covers_every_state_of_its_enumeration(machine, states):
    assert set(machine.transitions) == set(states)


@pytest.mark.parametrize(
    ("machine", "terminal"),
    [
        (COMMAND_MACHINE, {"completed", "failed", "cancelled", "expired"}),
        (SWITCH_MACHINE, {"completed", "failed"}),
        (REPLICA_MACHINE, {"promoted", "terminated", "failed"}),
        (
            INTERRUPTION_MACHINE,
            {"failed_over", "snapshotted", "stood_down", "lost", "unhandled"},
        ),
        (MODEL_MACHINE, {"archived", "rejected"}),
    ],
    ids=[machine.name for machine, _ in MACHINES],
)
def test_machine_knows_what_nothing_leaves(machine, terminal):
    assert {state.value for state in machine.terminal} == terminal


def test_open_switches_are_those_that_can_still_complete():
    assert {s for s in SwitchStatus if SWITCH_MACHINE.can(s, SwitchStatus.COMPLETED)} == (
        OPEN_STATUSES
    )


def test_live_replicas_are_those_that_can_still_be_retired():
    assert {s for s in ReplicaStatus if REPLICA_MACHINE.can(s, ReplicaStatus.TERMINATING)} == (
        LIVE_STATUSES
    )
