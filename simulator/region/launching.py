"""Launching: once per client token, only where there is capacity."""

from datetime import datetime

from simulator.errors import AwsError
from simulator.region.model import ROOT_DEVICE, Image, Instance, LaunchWish, Lifecycle, Volume
from simulator.region.region import Region

ROOT_GIB = 8
DEFAULT_METADATA = {
    "HttpTokens": "required",
    "HttpPutResponseHopLimit": 2,
    "HttpEndpoint": "enabled",
    "InstanceMetadataTags": "disabled",
}


class Launcher:
    """Makes instances of checked wishes."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._tokens: dict[tuple[str, str], Instance] = {}

    def launch(self, wish: LaunchWish, token_scope: str = "") -> Instance:
        """Launch an instance, or return the one that this token launched before.

        Args:
            wish: The checked request.
            token_scope: The zone when the request names one: tokens are zonal then.

        Raises:
            AwsError: as RunInstances answers; nothing was launched then.
        """
        region = self._region
        with region.lock:
            now = region.clock.now()
            region.market.advance(now)
            earlier = self._tokens.get((wish.client_token or "", token_scope))
            if earlier is not None and wish.client_token:
                return _repeated(earlier, wish)
            self._check(wish, now)
            instance = self._create(wish, now)
            if wish.client_token:
                self._tokens[wish.client_token, token_scope] = instance
            if region.machines:
                region.machines.launched(instance)
            return instance

    def _check(self, wish: LaunchWish, now: datetime) -> None:
        region = self._region
        image = region.images.get(wish.image_id)
        if image is None:
            raise AwsError(
                "InvalidAMIID.NotFound", f"The image id '[{wish.image_id}]' does not exist"
            )
        if image.state(now) != "available":
            raise AwsError(
                "InvalidAMIID.Unavailable", f"The image ID '{wish.image_id}' is not available"
            )
        for device in wish.devices:
            snapshot_id = device.get("Ebs", {}).get("SnapshotId")
            if snapshot_id and snapshot_id not in region.snapshots:
                raise AwsError(
                    "InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist."
                )
        taken = region.live_count(wish.pool, wish.lifecycle)
        region.capacity.require(wish.pool, wish.lifecycle, taken, now)

    def _create(self, wish: LaunchWish, now: datetime) -> Instance:
        region = self._region
        is_spot = wish.lifecycle is Lifecycle.SPOT
        number = len(region.instances)
        instance = Instance(
            instance_id=region.ids.make("i"),
            reservation_id=region.ids.make("r"),
            wish=wish,
            launched_at=now,
            durations=region.durations,
            private_ip=self._private_ip(wish, number),
            public_ip=f"198.51.{100 + number // 250}.{number % 250 + 1}"
            if wish.has_public_ip
            else None,
            spot_request_id=region.ids.make("sir").replace("sir-0", "sir-")[:12]
            if is_spot
            else None,
            tags=dict(wish.tags),
            metadata_options={**DEFAULT_METADATA, **wish.metadata_options},
            is_protected=wish.is_protected,
        )
        region.instances[instance.instance_id] = instance
        self._attach_volumes(instance, region.images[wish.image_id], now)
        return instance

    def _private_ip(self, wish: LaunchWish, number: int) -> str:
        return f"{self._region.catalog.subnets[wish.subnet_id].prefix}.{number % 240 + 10}"

    def _attach_volumes(self, instance: Instance, image: Image, now: datetime) -> None:
        wanted = {device["DeviceName"]: device for device in image.devices}
        for device in instance.wish.devices:
            ebs = device.get("Ebs", {})
            wanted[device["DeviceName"]] = {**wanted.get(device["DeviceName"], {}), **ebs}
        for name, ebs in wanted.items():
            volume = Volume(
                volume_id=self._region.ids.make("vol"),
                az=instance.pool.az,
                size_gib=int(ebs.get("VolumeSize", ROOT_GIB)),
                volume_type=ebs.get("VolumeType", "gp3"),
                created_at=now,
                device=name,
                delete_on_termination=ebs.get("DeleteOnTermination", name == ROOT_DEVICE),
                instance_id=instance.instance_id,
                snapshot_id=ebs.get("SnapshotId"),
                tags=dict(instance.wish.volume_tags),
            )
            self._region.volumes[volume.volume_id] = volume
            instance.volume_ids.append(volume.volume_id)


def _repeated(earlier: Instance, wish: LaunchWish) -> Instance:
    if earlier.wish != wish:
        raise AwsError(
            "IdempotentParameterMismatch",
            "Client token was associated with different parameters before: the request repeats "
            f"the token of {earlier.instance_id} and differs from it.",
        )
    if not earlier.is_live:
        raise AwsError(
            "IdempotentInstanceTerminated",
            f"The instance {earlier.instance_id} of this client token has been terminated.",
        )
    return earlier
