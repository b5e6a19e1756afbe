"""An order for one replica: what is to be launched, where, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.modes import Mode

ReplicaKind = Literal["manual", "automatic-rebalance", "automatic-termination"]

FETCH_WITHIN: Final = timedelta(minutes=30)  # an order that nobody fetched for so long is void


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaOrder:
    """What is ordered.

    Attributes:
        replica_id: A fresh UUID; the id of the row and of the ``ReplicaId`` launch tag.
        command_id: A fresh UUID for the launch command; not used for installed executors.
        kind: Why there is a replica.
        promotes: It takes over as soon as it lives, instead of standing by.
        event_id: The interruption event that it answers.
        besides: A live replica that this one is wanted in addition to.
        instance_type: Of the replica.
        region: Of the replica.
        pools: Names of the pools to try, in order; empty means on-demand at once.
        allows_ondemand: After all pools are full.
        protocol: Of the executor, and so of the replica's own agent.
        executor_instance_id: Who launches: the primary, or the noticed host itself. None leaves
            the row to be handed out to an installed agent.
        is_handed_out: The executor has the order in the answer of this very call.
        is_foreign: The executor embodies another agent (a rescuer), so no command of this agent
            can carry the order: the answer alone does.
        priority: 0 to 100; 100 for terminations, 75 in manual mode, 50 after a rebalance signal.
        created_by: ``system`` or a person's name.
        tags: The user's own tags for the instance.
        max_price_usd_per_hour: None for no limit.
        expected_epoch: The agent's; None orders whatever it is.
    """

    replica_id: str
    command_id: str
    kind: ReplicaKind
    promotes: bool
    event_id: str | None
    besides: str | None = None
    instance_type: str
    region: str
    pools: tuple[str, ...]
    allows_ondemand: bool
    protocol: int
    executor_instance_id: str | None
    is_handed_out: bool = False
    is_foreign: bool = False
    priority: int
    created_by: str
    tags: Mapping[str, str] = field(default_factory=dict)
    max_price_usd_per_hour: float | None = None
    expected_epoch: int | None = None

    @property
    def is_commanded(self) -> bool:
        """Whether a command carries the order; installed agents fetch the row instead."""
        is_ours = self.protocol >= NATIVE_PROTOCOL
        return is_ours and self.executor_instance_id is not None and not self.is_foreign

    @property
    def mode(self) -> Mode:
        """What is asked for first."""
        return Mode.SPOT if self.pools else Mode.ONDEMAND

    def payload(self) -> dict[str, Any]:
        """Return what a ``create_replica`` command carries."""
        return {
            "replica_id": self.replica_id,
            "kind": self.kind,
            "event_id": self.event_id,
            "instance_type": self.instance_type,
            "pools": list(self.pools),
            "allow_ondemand": self.allows_ondemand,
            "tags": dict(self.tags),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingReplica:
    """The replica that serves after an order: the ordered one, or one that was there before."""

    replica_id: str
    status: str
    event_id: str | None
    command_id: str | None
    instance_id: str | None
    protocol: int
    holder_instance_id: str | None
    is_doomed: bool
    is_new: bool
    epoch: int


def expires_at(now: datetime) -> datetime:
    """Return until when an order may be fetched."""
    return now + FETCH_WITHIN
