"""Operations on images, snapshots and volumes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from simulator.ec2.filters import Getter, filtered
from simulator.ec2.operations import Context, Operations, Parameters, Result, stop_dry_run
from simulator.ec2.pages import check_page_size, page_after
from simulator.ec2.shapes import image_shape, snapshot_shape, tags_from, volume_shape
from simulator.errors import AwsError
from simulator.region.catalog import ACCOUNT_ID
from simulator.region.images import Images
from simulator.region.model import Image, Snapshot, Volume

LARGEST_PAGE = 1000
T = TypeVar("T", Image, Snapshot, Volume)


def add_storage_operations(operations: Operations, images: Images) -> None:
    """Teach the API images, their snapshots, and volumes."""

    @operations.add(
        "CreateImage", "InstanceId", "Name", "Description", "NoReboot", "TagSpecifications"
    )
    def create_image(context: Context, parameters: Parameters) -> Result:
        tags = tags_from(parameters.get("TagSpecifications", []), "image", "snapshot")
        context.region.get_instance(parameters["InstanceId"])
        stop_dry_run(parameters)
        image = images.create(
            parameters["InstanceId"],
            parameters["Name"],
            description=parameters.get("Description", ""),
            reboots=not parameters.get("NoReboot", False),
            tags=tags.get("image"),
            snapshot_tags=tags.get("snapshot"),
        )
        return {"ImageId": image.image_id}

    @operations.add("DeregisterImage", "ImageId")
    def deregister_image(context: Context, parameters: Parameters) -> Result:
        _found(context.region.images, [parameters["ImageId"]], "InvalidAMIID.NotFound")
        stop_dry_run(parameters)
        images.deregister(parameters["ImageId"])
        return {"Return": True}

    @operations.add("DeleteSnapshot", "SnapshotId")
    def delete_snapshot(context: Context, parameters: Parameters) -> Result:
        _found(context.region.snapshots, [parameters["SnapshotId"]], "InvalidSnapshot.NotFound")
        stop_dry_run(parameters)
        images.delete_snapshot(parameters["SnapshotId"])
        return {}

    operations.add("DescribeImages", "ImageIds", "Owners", "Filters", "MaxResults", "NextToken")(
        _describe_images
    )
    operations.add(
        "DescribeSnapshots", "SnapshotIds", "OwnerIds", "Filters", "MaxResults", "NextToken"
    )(_describe_snapshots)
    operations.add("DescribeVolumes", "VolumeIds", "Filters", "MaxResults", "NextToken")(
        _describe_volumes
    )


def _describe_images(context: Context, parameters: Parameters) -> Result:
    now = context.region.clock.now()
    wanted = _found(context.region.images, parameters.get("ImageIds"), "InvalidAMIID.NotFound")
    getters: dict[str, Getter[Image]] = {
        "image-id": lambda i: i.image_id,
        "name": lambda i: i.name,
        "state": lambda i: i.state(now),
        "owner-id": lambda _i: ACCOUNT_ID,
        "source-instance-id": lambda i: i.source_instance_id,
        "block-device-mapping.snapshot-id": lambda i: [
            d["SnapshotId"] for d in i.devices if "SnapshotId" in d
        ],
    }
    kept = [] if _is_foreign(parameters.get("Owners")) else wanted
    page, token = _page(kept, getters, parameters, lambda i: i.image_id)
    return {"Images": [image_shape(image, now) for image in page], "NextToken": token}


def _describe_snapshots(context: Context, parameters: Parameters) -> Result:
    wanted = _found(
        context.region.snapshots, parameters.get("SnapshotIds"), "InvalidSnapshot.NotFound"
    )
    getters: dict[str, Getter[Snapshot]] = {
        "snapshot-id": lambda s: s.snapshot_id,
        "volume-id": lambda s: s.volume_id,
        "status": lambda _s: "completed",
        "owner-id": lambda _s: ACCOUNT_ID,
        "description": lambda s: s.description,
    }
    kept = [] if _is_foreign(parameters.get("OwnerIds")) else wanted
    page, token = _page(kept, getters, parameters, lambda s: s.snapshot_id)
    return {"Snapshots": [snapshot_shape(snapshot) for snapshot in page], "NextToken": token}


def _describe_volumes(context: Context, parameters: Parameters) -> Result:
    wanted = _found(context.region.volumes, parameters.get("VolumeIds"), "InvalidVolume.NotFound")
    getters: dict[str, Getter[Volume]] = {
        "volume-id": lambda v: v.volume_id,
        "availability-zone": lambda v: v.az,
        "attachment.instance-id": lambda v: v.instance_id,
        "status": lambda v: "in-use" if v.instance_id else "available",
    }
    page, token = _page(wanted, getters, parameters, lambda v: v.volume_id)
    return {"Volumes": [volume_shape(volume) for volume in page], "NextToken": token}


def _found(known: Mapping[str, T], wanted: list[str] | None, code: str) -> list[T]:
    for name in wanted or []:
        if name not in known:
            raise AwsError(code, f"'{name}' does not exist")
    return [known[name] for name in wanted] if wanted else list(known.values())


def _is_foreign(owners: list[str] | None) -> bool:
    return owners is not None and not {"self", ACCOUNT_ID}.intersection(owners)


def _page(
    things: list[T], getters: Mapping[str, Getter[T]], parameters: Parameters, key_of: Any
) -> tuple[list[T], str | None]:
    kept = filtered(things, parameters.get("Filters", []), getters, lambda thing: thing.tags)
    kept.sort(key=key_of)
    size = check_page_size(parameters.get("MaxResults"), 1, LARGEST_PAGE)
    return page_after(kept, [key_of(t) for t in kept], parameters.get("NextToken"), size)
