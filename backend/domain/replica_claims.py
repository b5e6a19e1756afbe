"""Which replica is this? What makes an instance that registers one of the replicas on the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.replicas import LIVE_STATUSES, ReplicaStatus


class ClaimVerdict(StrEnum):
    """What came of the claim to be a replica."""

    BOUND = "bound"  # it is the replica, or becomes it now
    ENDED = "ended"  # it was launched as that replica, which is not wanted any more
    TAKEN = "taken"  # that replica is another instance


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedReplica:
    """A replica on the books. ``azs`` are the zones where it may have been launched."""

    id: str
    status: ReplicaStatus
    protocol: int
    instance_id: str | None
    instance_type: str
    azs: frozenset[str]
    is_handed_out: bool


@dataclass(frozen=True, slots=True)
class ReplicaClaim:
    """The replica that an instance is, or says it is, and what is to be thought of that."""

    replica: BookedReplica
    verdict: ClaimVerdict


def find_claim(
    orders: Sequence[BookedReplica],
    *,
    instance_id: str,
    instance_type: str,
    az: str,
    protocol: int,
    replica_id: str | None,
    is_known: bool,
) -> ReplicaClaim | None:
    """Find the replica that a registering instance is, or None when no order explains it.

    First by what the launcher reported, then by the launch tag, then, for installed agents, by
    likeness: zone and type of exactly one order in an installed agent's hands.

    Args:
        orders: The agent's live replicas, the one that the instance was, the one of its tag.
        instance_id: Who registers.
        instance_type: Its type.
        az: Its zone.
        protocol: What it speaks.
        replica_id: The launch tag, if it has one.
        is_known: The instance was seen before: then a likeness proves nothing.
    """
    reported = next((o for o in orders if o.instance_id == instance_id), None)
    if reported is not None:
        return _judged(reported, instance_id)
    tagged = next((o for o in orders if o.id == replica_id), None)
    if tagged is not None:
        return _judged(tagged, instance_id)
    if is_known or protocol >= NATIVE_PROTOCOL:
        return None
    alike = [
        replica
        for replica in orders
        if replica.is_handed_out
        and replica.instance_id is None
        and replica.protocol < NATIVE_PROTOCOL
        and replica.status in LIVE_STATUSES
        and replica.instance_type == instance_type
        and az in replica.azs
    ]
    return _judged(alike[0], instance_id) if len(alike) == 1 else None


def _judged(replica: BookedReplica, instance_id: str) -> ReplicaClaim | None:
    if replica.instance_id not in (None, instance_id):
        return ReplicaClaim(replica, ClaimVerdict.TAKEN)
    if replica.status in LIVE_STATUSES:
        return ReplicaClaim(replica, ClaimVerdict.BOUND)
    if replica.status is ReplicaStatus.PROMOTED:
        return None  # it became the primary: it is judged by its role
    return ReplicaClaim(replica, ClaimVerdict.ENDED)
