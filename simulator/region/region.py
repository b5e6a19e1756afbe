"""The region: every thing in it, behind one lock."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from simulator.chance import stream
from simulator.clock import Clock
from simulator.errors import AwsError
from simulator.market.market import Market
from simulator.pools import Pool
from simulator.region.billing import cost_of
from simulator.region.capacity import Capacity
from simulator.region.catalog import Catalog
from simulator.region.faults import Faults, Throttle
from simulator.region.ids import Ids, is_well_formed
from simulator.region.model import (
    Address,
    Durations,
    EndCause,
    Image,
    Instance,
    Lifecycle,
    Snapshot,
    Volume,
)
from simulator.region.request_log import RequestLog
from simulator.region.traffic import TrafficLog

LONGEST_TAG_KEY, LONGEST_TAG_VALUE, MOST_TAGS = 128, 256, 50


class Machines(Protocol):
    """Those who look after what runs on the instances. Called under the region's lock."""

    def launched(self, instance: Instance) -> None:
        """Give the new instance a disk, metadata and, after its boot time, its processes."""
        ...

    def ended(self, instance: Instance) -> None:
        """Cut the power."""
        ...

    def imaged(self, image: Image, *, reboots: bool) -> None:
        """Copy the disk of the image's source instance as it is now."""
        ...

    def forgotten(self, image: Image) -> None:
        """Throw the image's disk away."""
        ...


class Region:
    """The truth. Everything public takes the lock, or says that the caller holds it."""

    def __init__(
        self,
        catalog: Catalog,
        market: Market,
        clock: Clock,
        *,
        seed: int,
        durations: Durations,
        limits: dict[str, tuple[float, float]] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.catalog = catalog
        self.market = market
        self.clock = clock
        self.durations = durations
        self.ids = Ids(stream(seed, "ids"))
        self.machines: Machines | None = None
        self.instances: dict[str, Instance] = {}
        self.images: dict[str, Image] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.volumes: dict[str, Volume] = {}
        self.addresses: dict[str, Address] = {}
        self.capacity = Capacity(market)
        self.log = RequestLog()
        self.traffic = TrafficLog()
        self._end_listeners: list[Callable[[str], None]] = []
        self.faults = Faults()
        self.throttle = Throttle(limits)

    def get_instance(self, instance_id: str) -> Instance:
        """Return an instance that describe calls know. The caller holds the lock.

        Raises:
            AwsError: InvalidInstanceID.Malformed or .NotFound.
        """
        if not is_well_formed(instance_id, "i"):
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        instance = self.instances.get(instance_id)
        if instance is None or not instance.is_described(self.clock.now()):
            raise AwsError(
                "InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist"
            )
        return instance

    def live(self) -> list[Instance]:
        """Return the instances that nothing has ended, oldest first."""
        with self.lock:
            return [instance for instance in self.instances.values() if instance.is_live]

    def live_count(self, pool: Pool, lifecycle: Lifecycle) -> int:
        """Return how many live instances a pool holds. The caller holds the lock."""
        return sum(
            1
            for i in self.instances.values()
            if i.is_live and i.pool == pool and i.wish.lifecycle is lifecycle
        )

    def terminate(self, instance_ids: Iterable[str], caller: str) -> list[tuple[Instance, str]]:
        """End instances, all or none; return each with the state that it was in.

        Raises:
            AwsError: one is unknown or protected.
        """
        with self.lock:
            now = self.clock.now()
            wanted = [self.get_instance(name) for name in dict.fromkeys(instance_ids)]
            for instance in wanted:
                if instance.is_protected and instance.is_live:
                    raise AwsError(
                        "OperationNotPermitted",
                        f"The instance '{instance.instance_id}' may not be terminated. Modify its "
                        "'disableApiTermination' instance attribute and try again.",
                    )
            before = [(instance, instance.state(now)) for instance in wanted]
            for instance in wanted:
                self._end(instance, EndCause.TERMINATED, caller)
            return before

    def end(self, instance_id: str, cause: EndCause) -> None:
        """End an instance as EC2 or its hardware would. Idempotent."""
        with self.lock:
            self._end(self.instances[instance_id], cause, "ec2")

    def _end(self, instance: Instance, cause: EndCause, caller: str) -> None:
        if not instance.is_live:
            return
        instance.ended_at = self.clock.now()
        instance.end_cause, instance.ended_by = cause, caller
        for volume_id in instance.volume_ids:
            volume = self.volumes[volume_id]
            volume.instance_id = None
            if volume.delete_on_termination:
                del self.volumes[volume_id]
        for address in self.addresses.values():
            if address.instance_id == instance.instance_id:
                address.instance_id = address.association_id = None
                self.traffic.note(instance.ended_at, address.allocation_id, frozenset())
        for listener in self._end_listeners:
            listener(instance.instance_id)
        if self.machines:
            self.machines.ended(instance)

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Have this called, under the lock, with the id of every instance that ends."""
        self._end_listeners.append(listener)

    def recommend_rebalance(self, instance_id: str) -> None:
        """Put the rebalance recommendation into the instance's metadata. Idempotent."""
        with self.lock:
            instance = self.instances[instance_id]
            instance.rebalance_at = instance.rebalance_at or self.clock.now()

    def give_notice(self, instance_id: str) -> datetime:
        """Put the interruption notice into the instance's metadata; return when it will end."""
        with self.lock:
            instance = self.instances[instance_id]
            now = self.clock.now()
            instance.notice_at = instance.notice_at or now
            instance.deadline = instance.deadline or now + self.durations.notice
            return instance.deadline

    def tags_of(self, resource_id: str) -> dict[str, str]:
        """Return the tags of a thing, to be changed in place. The caller holds the lock.

        Raises:
            AwsError: there is no such thing.
        """
        if resource_id.startswith("i-"):
            return self.get_instance(resource_id).tags
        things: dict[str, Image | Snapshot | Volume | Address] = {
            **self.images,
            **self.snapshots,
            **self.volumes,
            **self.addresses,
        }
        if resource_id in things:
            return things[resource_id].tags
        raise AwsError("InvalidID", f"The ID '{resource_id}' is not valid")

    def cost(self, is_counted: Callable[[Instance], bool] = lambda _instance: True) -> Decimal:
        """Return what instances have cost so far, in USD."""
        with self.lock:
            now = self.clock.now()
            self.market.advance(now)
            return sum(
                (
                    cost_of(instance, now, self.market, self.catalog.ondemand)
                    for instance in self.instances.values()
                    if is_counted(instance)
                ),
                Decimal(0),
            )


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return tags that EC2 accepts.

    Raises:
        AwsError: reserved, too long or too many.
    """
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved")
        if not 1 <= len(key) <= LONGEST_TAG_KEY or len(value) > LONGEST_TAG_VALUE:
            raise AwsError("InvalidParameterValue", f"The tag {key[:20]!r} is too long or empty")
    if len(tags) > MOST_TAGS:
        raise AwsError("TagLimitExceeded", f"More than {MOST_TAGS} tags")
    return tags
