"""Where traffic goes: every change of an address or a target group, kept with its instant.

This is the truth that drills compare with what agents and backend say.
"""

from datetime import datetime
from typing import NamedTuple


class Turn(NamedTuple):
    """From this instant on a door leads to these instances; none of them: nobody is served."""

    instant: datetime
    door: str  # an allocation id, or a target group's ARN
    holders: frozenset[str]


class TrafficLog:
    """Notes turns. Not thread-safe: the region's lock guards it."""

    def __init__(self) -> None:
        self._turns: dict[str, list[Turn]] = {}

    def note(self, instant: datetime, door: str, holders: frozenset[str]) -> None:
        """Note to whom a door leads now; a repetition changes nothing."""
        turns = self._turns.setdefault(door, [])
        if not turns or turns[-1].holders != holders:
            turns.append(Turn(instant, door, holders))

    def holders(self, door: str) -> frozenset[str]:
        """Return to whom a door leads now."""
        turns = self._turns.get(door)
        return turns[-1].holders if turns else frozenset()

    def led_to(self, door: str, instance_id: str) -> datetime | None:
        """Return when a door first led to an instance; None when it never did."""
        for turn in self._turns.get(door, []):
            if instance_id in turn.holders:
                return turn.instant
        return None

    def turns(self, door: str) -> list[Turn]:
        """Return every turn of a door, oldest first."""
        return list(self._turns.get(door, []))
