"""Services that users reach: each behind an address and a target group of its own."""

from dataclasses import dataclass

from simulator.chance import stream
from simulator.region.model import Address, Image, Instance, Lifecycle
from simulator.region.target_groups import Target
from simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One service: its agent's name, and the doors through which users come."""

    name: str
    allocation_id: str
    target_group_arn: str
    image_id: str

    @property
    def doors(self) -> tuple[str, str]:
        """The address and the target group."""
        return self.allocation_id, self.target_group_arn


def make_workload(world: World, name: str) -> Workload:
    """Make the doors, and an image whose agent knows them: what is launched from it can take over."""
    region = world.region
    with region.lock:
        address = Address(
            allocation_id=region.ids.make("eipalloc"),
            public_ip=f"198.19.{len(region.addresses) // 250}.{len(region.addresses) % 250 + 1}",
        )
        region.addresses[address.allocation_id] = address
        group = world.target_groups.create(name)
        image: Image = world.images.make_base(f"image-of-{name}")
        world.disks.configure_image(
            image.image_id,
            {
                "CUTOVER_ELASTIC_IP_ALLOCATION_ID": address.allocation_id,
                "CUTOVER_TARGET_GROUP_ARNS": group.arn,
            },
        )
    return Workload(
        name=name,
        allocation_id=address.allocation_id,
        target_group_arn=group.arn,
        image_id=image.image_id,
    )


def launch_workload(world: World, workload: Workload, number: int) -> Instance:
    """Launch a service's first instance by hand, in a pool of chance."""
    now = world.clock.now()
    pools = sorted(world.region.market.pools)
    usable = [pool for pool in pools if world.region.market.is_available(pool, now)]
    return world.launch_by_hand(
        stream(world.settings.seed, "fleet", number).choice(usable),
        Lifecycle.SPOT,
        logical_agent_id=workload.name,
        image_id=workload.image_id,
    )


def lead_users_to(world: World, workload: Workload, instance_id: str) -> None:
    """Point both doors at an instance, as a user does once, at the beginning."""
    region = world.region
    with region.lock:
        address = region.addresses[workload.allocation_id]
        address.instance_id = instance_id
        address.association_id = region.ids.make("eipassoc")
        region.traffic.note(region.clock.now(), workload.allocation_id, frozenset({instance_id}))
        port = world.target_groups.get(workload.target_group_arn).port
        world.target_groups.register(workload.target_group_arn, [Target(instance_id, port)])
