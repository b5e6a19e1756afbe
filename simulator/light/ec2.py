"""What light agents ask of EC2: the region itself, each call counted as if it had come by HTTP.

The account's call limits are not applied: they belong to one account, and a thousand agents are
spread over many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.errors import AwsError
from simulator.pools import parse_pool
from simulator.region.launching import Launcher
from simulator.region.model import Instance, LaunchWish, Lifecycle
from simulator.region.region import Region
from simulator.region.request_log import Call

FULL = frozenset({"InsufficientInstanceCapacity", "MaxSpotInstanceCountExceeded"})


@dataclass(frozen=True, slots=True)
class Launched:
    """The outcome of an order: an instance, or none; and the pools that had no room."""

    instance: Instance | None
    full_pools: list[str]


class LightEc2:
    """EC2 for the agents of one region. Thread-safe."""

    def __init__(self, region: Region, launcher: Launcher) -> None:
        self._region = region
        self._launcher = launcher

    def launch_like(
        self,
        like: Instance,
        order_id: str,
        *,
        pools: Iterable[str],
        allow_ondemand: bool,
        tags: Mapping[str, str],
        caller: str,
        ami_id: str | None = None,
    ) -> Launched:
        """Launch a copy of an instance in the first pool with room; the same order, the same copy.

        Raises:
            AwsError: EC2 refuses, and not for want of room.
        """
        full: list[str] = []
        wanted = [(parse_pool(name), Lifecycle.SPOT) for name in pools]
        if allow_ondemand:
            wanted += [
                (like.pool._replace(az=az), Lifecycle.ONDEMAND) for az in self._region.catalog.zones
            ]
        vpc_id = self._region.catalog.subnets[like.wish.subnet_id].vpc_id
        for pool, lifecycle in wanted:
            wish = LaunchWish(
                image_id=ami_id or like.wish.image_id,
                instance_type=pool.instance_type,
                lifecycle=lifecycle,
                az=pool.az,
                subnet_id=self._region.catalog.subnet_in(vpc_id, pool.az).subnet_id,
                group_ids=like.wish.group_ids,
                caller=caller,
                client_token=f"{order_id}:{lifecycle}:{pool}"[-64:],
                key_name=like.wish.key_name,
                profile_arn=like.wish.profile_arn,
                metadata_options={"InstanceMetadataTags": "enabled"},
                tags=dict(tags),
            )
            try:
                return Launched(self._run(wish), full)
            except AwsError as error:
                if error.code not in FULL:
                    raise
                full.append(str(pool))
        return Launched(None, full)

    def state(self, instance_id: str, caller: str) -> str:
        """Return EC2's word for an instance's state, ``missing`` when it knows none."""
        with self._region.lock:
            now = self._region.clock.now()
            self._note("DescribeInstances", caller)
            instance = self._region.instances.get(instance_id)
            if instance is None or not instance.is_described(now):
                return "missing"
            state = instance.state(now)
            return "terminated" if state == "shutting-down" else state

    def terminate(self, instance_id: str, caller: str) -> None:
        """End an instance.

        Raises:
            AwsError: it is unknown or protected.
        """
        with self._region.lock:
            self._note("TerminateInstances", caller)
            self._region.terminate([instance_id], caller)

    def _run(self, wish: LaunchWish) -> Instance:
        with self._region.lock:
            self._note("RunInstances", wish.caller)
            return self._launcher.launch(wish)

    def _note(self, action: str, caller: str) -> None:
        self._region.log.note(Call(self._region.clock.now(), caller, "ec2", action, ""))
