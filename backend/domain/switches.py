"""Switches: every replacement of a primary, whatever caused it."""

from enum import StrEnum
from typing import Final

from backend.domain.commands import OUTCOME_UNKNOWN
from backend.domain.state_machine import StateMachine


class SwitchStatus(StrEnum):
    """Where a switch stands."""

    REQUESTED = "requested"
    LAUNCHING = "launching"
    RUNNING = "running"
    READY = "ready"
    CUT_OVER = "cut_over"
    COMPLETED = "completed"
    FAILED = "failed"


class SwitchCause(StrEnum):
    """Why the primary was replaced."""

    MANUAL = "manual"
    ENGINE = "engine"
    REBALANCE = "rebalance"
    TERMINATION = "termination"
    LOSS = "loss"
    PROMOTION = "promotion"


# In order. Installed agents report only the end, so a step may jump over any number of others.
_PATH: Final = (
    SwitchStatus.REQUESTED,
    SwitchStatus.LAUNCHING,
    SwitchStatus.RUNNING,
    SwitchStatus.READY,
    SwitchStatus.CUT_OVER,
    SwitchStatus.COMPLETED,
)

OPEN_STATUSES: Final = frozenset(_PATH[:-1])

SWITCH_MACHINE: Final[StateMachine[SwitchStatus]] = StateMachine(
    name="switch",
    transitions={
        **{
            status: frozenset({*_PATH[position + 1 :], SwitchStatus.FAILED})
            for position, status in enumerate(_PATH[:-1])
        },
        SwitchStatus.COMPLETED: frozenset(),
        SwitchStatus.FAILED: frozenset(),
    },
)


def completes_on_report(status: SwitchStatus, outcome_code: str | None) -> bool:
    """Judge a switch report: True when it completes the switch, False when it repeats one.

    A switch that failed only because its command's lease ran out (``outcome_unknown``) is
    completed by the late report.

    Raises:
        IllegalTransition: The switch has failed for a known reason.
    """
    if status is SwitchStatus.FAILED and outcome_code == OUTCOME_UNKNOWN:
        return True
    return SWITCH_MACHINE.step(status, SwitchStatus.COMPLETED)
