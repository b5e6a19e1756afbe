from datetime import timedelta

import pytest

from backend.domain.commands import (
    CLASSIC_PROTOCOL,
    LAUNCHING_TYPES,
    NATIVE_PROTOCOL,
    Acknowledgement,
    CommandStatus,
    CommandType,
    Priority,
    acknowledge,
    deliverable,
    lease_duration,
)
from backend.errors import IllegalTransition


@pytest.mark.parametrize("command_type", list(CommandType))
def test_native_agent_is_handed_every_type(command_type):
    assert deliverable(command_type, NATIVE_PROTOCOL)


@pytest.mark.parametrize("protocol", [3, CLASSIC_PROTOCOL])
def test_installed_agent_is_handed_only_switches(protocol):
    handed = [command_type for command_type in CommandType if deliverable(command_type, protocol)]

    assert handed == [CommandType.SWITCH]


def test_launching_types_are_those_that_start_an_instance():
    assert {t.value for t in LAUNCHING_TYPES} == {"switch", "create_replica", "rescue"}


def test_priorities_are_the_integers_that_agents_compare():
    assert {p.name: p.value for p in Priority} == {
        "EMERGENCY": 100,
        "MANUAL": 75,
        "ENGINE_URGENT": 50,
        "ENGINE": 25,
        "SCHEDULED": 10,
    }


@pytest.mark.parametrize(
    ("protocol", "wait", "minutes"),
    [(4, 0, 15), (4, 300, 20), (3, 60, 16), (5, 0, 10), (5, 300, 15)],
)
def test_lease_lasts_for_the_work_and_the_wait(protocol, wait, minutes):
    assert lease_duration(protocol, wait) == timedelta(minutes=minutes)


CHANGED, REPEATED, REFUSED = "changed", "repeated", "refused"
VERDICTS = [
    # status, outcome code, verdict on success, verdict on failure
    ("pending", None, REFUSED, REFUSED),
    ("leased", None, CHANGED, CHANGED),
    ("completed", "executed", REPEATED, REFUSED),
    ("completed", None, REPEATED, REFUSED),
    ("failed", "executed", REFUSED, REPEATED),
    ("failed", None, REFUSED, REPEATED),
    ("failed", "unsupported", REFUSED, REPEATED),
    ("failed", "outcome_unknown", CHANGED, CHANGED),
    ("cancelled", None, REFUSED, REFUSED),
    ("expired", None, REFUSED, REFUSED),
]
CASES = [
    (CommandStatus(status), code, success, verdict)
    for status, code, *verdicts in VERDICTS
    for success, verdict in zip((True, False), verdicts, strict=True)
]


@pytest.mark.parametrize(
    ("status", "code", "success", "verdict"), [case for case in CASES if case[3] != REFUSED]
)
def test_acknowledgement_ends_the_command_or_repeats(status, code, success, verdict):
    reported = CommandStatus.COMPLETED if success else CommandStatus.FAILED

    assert acknowledge(status, code, success) == Acknowledgement(
        status=reported, changed=verdict == CHANGED
    )


@pytest.mark.parametrize(
    ("status", "code", "success", "verdict"), [case for case in CASES if case[3] == REFUSED]
)
def test_acknowledgement_is_refused_when_it_contradicts(status, code, success, verdict):
    with pytest.raises(IllegalTransition) as refused:
        acknowledge(status, code, success)

    assert refused.value.facts["present"] == status
    assert refused.value.facts["requested"] == ("completed" if success else "failed")
