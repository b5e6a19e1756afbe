"""How an instance is bought."""

from enum import StrEnum


class Mode(StrEnum):
    """The market that an instance was bought on; ``unknown`` appears only as input."""

    SPOT = "spot"
    ONDEMAND = "ondemand"
    UNKNOWN = "unknown"


class TargetMode(StrEnum):
    """The market that a command asks for: an order always knows."""

    SPOT = "spot"
    ONDEMAND = "ondemand"
