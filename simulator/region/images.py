"""Images: a name, snapshots of the volumes, and a copy of the disk's content."""

import re
from typing import Any

from simulator.errors import AwsError
from simulator.region.model import ROOT_DEVICE, Image, Snapshot
from simulator.region.region import Region

_NAME = re.compile(r"[A-Za-z0-9()\[\]. /\-'@_]{3,128}")


class Images:
    """Makes images and snapshots, and unmakes them."""

    def __init__(self, region: Region) -> None:
        self._region = region

    def make_base(self, name: str) -> Image:
        """Make an image out of nothing, with the agent installed; available at once."""
        region = self._region
        with region.lock:
            image = Image(
                image_id=region.ids.make("ami"),
                name=name,
                description="Linux with the agent installed",
                created_at=region.clock.now(),
                available_at=region.clock.now(),
                source_instance_id=None,
                devices=[{"DeviceName": ROOT_DEVICE, "VolumeSize": 8, "VolumeType": "gp3"}],
            )
            region.images[image.image_id] = image
            if region.machines:
                region.machines.imaged(image, reboots=False)
            return image

    def create(
        self,
        instance_id: str,
        name: str,
        *,
        description: str = "",
        reboots: bool = True,
        tags: dict[str, str] | None = None,
        snapshot_tags: dict[str, str] | None = None,
    ) -> Image:
        """Make an image of a running instance; it becomes available a little later.

        Raises:
            AwsError: the instance does not run, or the name is taken or malformed.
        """
        region = self._region
        with region.lock:
            now = region.clock.now()
            instance = region.get_instance(instance_id)
            if instance.state(now) != "running":
                raise AwsError(
                    "IncorrectInstanceState",
                    f"The instance '{instance_id}' is not in the 'running' or 'stopped' state.",
                )
            self._check_name(name)
            image = Image(
                image_id=region.ids.make("ami"),
                name=name,
                description=description,
                created_at=now,
                available_at=now + region.durations.image,
                source_instance_id=instance_id,
                devices=[
                    self._snapshot(volume_id, description, snapshot_tags or {})
                    for volume_id in instance.volume_ids
                ],
                tags=dict(tags or {}),
            )
            region.images[image.image_id] = image
            if region.machines:
                region.machines.imaged(image, reboots=reboots)
            return image

    def deregister(self, image_id: str) -> None:
        """Forget an image; its snapshots stay, as in EC2.

        Raises:
            AwsError: there is no such image.
        """
        region = self._region
        with region.lock:
            image = region.images.pop(image_id, None)
            if image is None:
                raise AwsError(
                    "InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist"
                )
            if region.machines:
                region.machines.forgotten(image)

    def delete_snapshot(self, snapshot_id: str) -> None:
        """Delete a snapshot.

        Raises:
            AwsError: there is none, or an image uses it.
        """
        region = self._region
        with region.lock:
            if snapshot_id not in region.snapshots:
                raise AwsError(
                    "InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist."
                )
            for image in region.images.values():
                if any(device.get("SnapshotId") == snapshot_id for device in image.devices):
                    raise AwsError(
                        "InvalidSnapshot.InUse",
                        f"The snapshot {snapshot_id} is currently in use by {image.image_id}",
                    )
            del region.snapshots[snapshot_id]

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise AwsError("InvalidAMIName.Malformed", "AMI names must be 3 to 128 characters")
        for image in self._region.images.values():
            if image.name == name:
                raise AwsError(
                    "InvalidAMIName.Duplicate",
                    f"AMI name {name} is already in use by AMI {image.image_id}",
                )

    def _snapshot(self, volume_id: str, description: str, tags: dict[str, str]) -> dict[str, Any]:
        region = self._region
        volume = region.volumes[volume_id]
        snapshot = Snapshot(
            snapshot_id=region.ids.make("snap"),
            volume_id=volume_id,
            size_gib=volume.size_gib,
            started_at=region.clock.now(),
            description=description,
            tags=dict(tags),
        )
        region.snapshots[snapshot.snapshot_id] = snapshot
        return {
            "DeviceName": volume.device,
            "SnapshotId": snapshot.snapshot_id,
            "VolumeSize": volume.size_gib,
            "VolumeType": volume.volume_type,
            "DeleteOnTermination": volume.delete_on_termination,
        }
