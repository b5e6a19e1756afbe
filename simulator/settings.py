"""What a pretend region is like: chosen by its user, then fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from simulator.machines.room import DEFAULT_COMMAND
from simulator.region.faults import LIMITS
from simulator.region.model import Durations


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A market from a file instead of a made-up one; ``start`` None: about a day into the file."""

    path: Path
    start: datetime | None = None
    instance_types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """Everything that can be chosen.

    Attributes:
        root: Folder for disks and logs; made if absent, left behind.
        port: Of the EC2, Price List and control APIs; 0 means a free one.
        market_speed: How many times faster than the world the market moves.
        has_outages: Whether pools run dry, and interrupt, by themselves.
        limits: Call limits of the account; None means none.
        agent_environment: What is configured on the base image: the backend's URL, the token,
            intervals. No LOGICAL_AGENT_ID.
    """

    root: Path
    region: str = "eu-west-1"
    zone_count: int = 3
    seed: int = 1
    port: int = 0
    market_speed: float = 60.0
    has_outages: bool = False
    replay: Replay | None = None
    durations: Durations = field(default_factory=Durations)
    rebalance_lead: timedelta = timedelta(seconds=60)
    limits: dict[str, tuple[float, float]] | None = field(default_factory=lambda: dict(LIMITS))
    agent_command: Sequence[str] = DEFAULT_COMMAND
    agent_environment: Mapping[str, str] = field(default_factory=dict)
    restart_seconds: float = 0.25
