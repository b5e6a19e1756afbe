"""Interruption events: written before anybody acts on a signal, closed after."""

from enum import StrEnum
from typing import Final

from backend.domain.state_machine import StateMachine


class InterruptionStatus(StrEnum):
    """Where the handling of a signal stands."""

    DETECTED = "detected"
    RESPONDING = "responding"
    FAILED_OVER = "failed_over"
    LAUNCHED = "launched"
    SNAPSHOTTED = "snapshotted"
    STOOD_DOWN = "stood_down"
    LOST = "lost"
    UNHANDLED = "unhandled"


INTERRUPTION_MACHINE: Final[StateMachine[InterruptionStatus]] = StateMachine(
    name="interruption event",
    transitions={
        InterruptionStatus.DETECTED: frozenset(
            {
                InterruptionStatus.RESPONDING,
                InterruptionStatus.UNHANDLED,  # the emergency fallback is switched off
            }
        ),
        InterruptionStatus.RESPONDING: frozenset(
            {
                InterruptionStatus.FAILED_OVER,
                InterruptionStatus.LAUNCHED,
                InterruptionStatus.SNAPSHOTTED,
                InterruptionStatus.STOOD_DOWN,
                InterruptionStatus.LOST,
            }
        ),
        # The replacement that was launched has become the primary.
        InterruptionStatus.LAUNCHED: frozenset({InterruptionStatus.FAILED_OVER}),
        InterruptionStatus.FAILED_OVER: frozenset(),
        InterruptionStatus.SNAPSHOTTED: frozenset(),
        InterruptionStatus.STOOD_DOWN: frozenset(),
        InterruptionStatus.LOST: frozenset(),
        InterruptionStatus.UNHANDLED: frozenset(),
    },
)
