"""Gaps too long to fill: when agents are asked for EC2's history, and when we stop asking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from backend.domain.state_machine import StateMachine

HISTORY_KEPT: Final = timedelta(days=90)  # by EC2: DescribeSpotPriceHistory answers no further
MOST_ASKS: Final = 4
FIRST_WAIT: Final = timedelta(minutes=15)  # for an answer; four times as long after each ask


class GapStatus(StrEnum):
    """Where a recorded gap stands."""

    OPEN = "open"
    ASKED = "asked"
    CLOSED = "closed"
    ABANDONED = "abandoned"


class GapOutcome(StrEnum):
    """How a gap ended: observed after all, filled from history, or given up and why."""

    DATA = "data"
    HISTORY = "history"
    NO_ANSWER = "no_answer"
    NO_HISTORY = "no_history"
    TOO_OLD = "too_old"


# A gap that data had closed opens again when that data loses its credit.
GAP_MACHINE: Final[StateMachine[GapStatus]] = StateMachine(
    name="price gap",
    transitions={
        GapStatus.OPEN: frozenset({GapStatus.ASKED, GapStatus.CLOSED, GapStatus.ABANDONED}),
        GapStatus.ASKED: frozenset({GapStatus.CLOSED, GapStatus.ABANDONED}),
        GapStatus.CLOSED: frozenset({GapStatus.OPEN}),
        GapStatus.ABANDONED: frozenset({GapStatus.CLOSED}),
    },
)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask an agent now, and not again before ``next_ask_at``."""

    next_ask_at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Ask no more."""

    outcome: GapOutcome


def plan_ask(*, ask_count: int, last_point_at: datetime, now: datetime) -> Ask | GiveUp:
    """Decide on a gap that is due: the waits are 15 min, 1 h, 4 h and 16 h.

    Args:
        ask_count: How often it was asked for already.
        last_point_at: Where the gap begins.
        now: The present instant.
    """
    if last_point_at < now - HISTORY_KEPT:
        return GiveUp(GapOutcome.TOO_OLD)
    if ask_count >= MOST_ASKS:
        return GiveUp(GapOutcome.NO_ANSWER)
    return Ask(now + FIRST_WAIT * 4**ask_count)
