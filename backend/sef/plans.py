"""The plan: what the instance behind a signal is told to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class PlanAction(StrEnum):
    """What the noticed host does next."""

    HAND_OVER = "hand_over"  # the promotion is committed: drain, begin the cut-over
    AWAIT = "await"  # keep serving, ask again every second
    LAUNCH = "launch"  # launch the order now, then as await
    MONITOR = "monitor"
    NONE = "none"  # nobody acts, by order


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about one event.

    Attributes:
        action: For the host that asked.
        event_id: The event.
        replica_id: The replica that takes over, or stands by.
        new_instance_id: The new primary once it is committed, or the replica's instance.
        old_instance_id: The instance that the signal concerns.
        epoch: The agent's.
        deadline: When the old instance ends.
        pools: Where a replica is to be launched, in order.
        allow_ondemand: After all pools are full.
        order: What ``create_replica`` carries, for the host that must launch.
        reason: A machine word.
    """

    action: PlanAction
    event_id: str
    replica_id: str | None = None
    new_instance_id: str | None = None
    old_instance_id: str
    epoch: int
    deadline: datetime | None = None
    pools: tuple[str, ...] = ()
    allow_ondemand: bool = False
    order: Mapping[str, Any] | None = None
    reason: str

    def to_wire(self) -> dict[str, Any]:
        """Return the plan as agents of ours read it."""
        return {
            "action": self.action,
            "event_id": self.event_id,
            "replica_id": self.replica_id,
            "new_instance_id": self.new_instance_id,
            "old_instance_id": self.old_instance_id,
            "epoch": self.epoch,
            "deadline": self.deadline,
            "pools": list(self.pools),
            "allow_ondemand": self.allow_ondemand,
            "order": dict(self.order) if self.order is not None else None,
            "reason": self.reason,
        }
