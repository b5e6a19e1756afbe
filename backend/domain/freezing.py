"""Freezing: an operator stops what the program would do by itself."""

from enum import StrEnum
from typing import Literal

Frozen = Literal["voluntary", "all"]  # what a client's or agent's row may hold


class FreezeLevel(StrEnum):
    """What is stopped: nothing, what nobody needs now, or emergencies too."""

    NONE = "none"
    VOLUNTARY = "voluntary"
    ALL = "all"


_ORDER = tuple(FreezeLevel)


def kept(level: FreezeLevel) -> Frozen | None:
    """Return what a row keeps of a level: nothing when nothing is frozen."""
    kinds: dict[FreezeLevel, Frozen] = {
        FreezeLevel.VOLUNTARY: "voluntary",
        FreezeLevel.ALL: "all",
    }
    return kinds.get(level)


def strictest(*levels: str | FreezeLevel | None) -> FreezeLevel:
    """Return the strictest of the levels that apply: global, the client's, the agent's.

    Raises:
        ValueError: one of them is no level.
    """
    named = [FreezeLevel(level) for level in levels if level]
    return max(named, key=_ORDER.index, default=FreezeLevel.NONE)
