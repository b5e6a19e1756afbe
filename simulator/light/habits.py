"""How light agents live: their intervals, in seconds, and what is done to their messages."""

from dataclasses import dataclass


@dataclass(slots=True)
class Habits:
    """May be changed while they live; each looks again before every pause.

    Attributes:
        sync: Between beats; a retired host asks four times more rarely.
        metadata: Between looks at the instance metadata, as real agents look.
        prices: Between price reports of a primary; the first one comes at once.
        retry: Until a message without answer, or a notice without plan, is repeated.
        replica_sync: How long a replica syncs before it says that it is ready.
        repeat_share: Share of the messages that are sent a second time.
        longest_delay: Of what is sent a second time.
        connections: Calls under way at once, all agents together.
    """

    sync: float = 15.0
    metadata: float = 2.0
    prices: float = 60.0
    retry: float = 1.0
    replica_sync: float = 0.2
    repeat_share: float = 0.0
    longest_delay: float = 0.0
    connections: int = 1000
