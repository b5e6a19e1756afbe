"""Things of the region in the words of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.errors import AwsError
from simulator.region.catalog import ACCOUNT_ID, Catalog
from simulator.region.model import ROOT_DEVICE, EndCause, Image, Instance, Snapshot, Volume
from simulator.region.region import checked_tags

STATE_CODES = {
    "pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64,
    "stopped": 80,
}  # fmt: skip
INTERRUPTED = "Server.SpotInstanceTermination"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as key and value pairs."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_from(specifications: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, str]]:
    """Return the tags of TagSpecifications by resource type; only ``kinds`` may occur.

    Raises:
        AwsError: another resource type, or tags that EC2 refuses.
    """
    result: dict[str, dict[str, str]] = {}
    for entry in specifications:
        kind = entry.get("ResourceType", "")
        if kind not in kinds:
            raise AwsError(
                "InvalidParameterValue", f"'{kind}' is not a valid taggable resource type here"
            )
        tags = {tag["Key"]: tag.get("Value", "") for tag in entry.get("Tags", [])}
        result[kind] = checked_tags(tags)
    return result


def instance_shape(instance: Instance, now: datetime, catalog: Catalog) -> dict[str, Any]:
    """Return an instance as DescribeInstances and RunInstances answer it."""
    wish, state = instance.wish, instance.state(now)
    is_gone = state in ("shutting-down", "terminated")
    subnet = catalog.subnets[wish.subnet_id]
    shape: dict[str, Any] = {
        "InstanceId": instance.instance_id,
        "ImageId": wish.image_id,
        "State": {"Code": STATE_CODES[state], "Name": state},
        "PrivateDnsName": "" if is_gone else f"ip-{instance.private_ip.replace('.', '-')}.internal",
        "PublicDnsName": "",
        "StateTransitionReason": "User initiated" if is_gone else "",
        "KeyName": wish.key_name,
        "AmiLaunchIndex": 0,
        "InstanceType": wish.instance_type,
        "LaunchTime": instance.launched_at.replace(microsecond=0),
        "Placement": {
            "AvailabilityZone": wish.az,
            "AvailabilityZoneId": catalog.zone_id(wish.az),
            "GroupName": "",
            "Tenancy": "default",
        },
        "Monitoring": {"State": "enabled" if wish.monitoring else "disabled"},
        "Architecture": "x86_64",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "PlatformDetails": "Linux/UNIX",
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "EbsOptimized": wish.ebs_optimized,
        "ClientToken": wish.client_token or "",
        "InstanceLifecycle": "spot" if instance.is_spot else None,
        "SpotInstanceRequestId": instance.spot_request_id,
        "MetadataOptions": {"State": "applied", **instance.metadata_options},
        "Tags": tag_list(instance.tags),
        "BlockDeviceMappings": [],
        "SecurityGroups": [],
        "NetworkInterfaces": [],
    }
    if instance.end_cause is EndCause.INTERRUPTED:
        shape["StateReason"] = {"Code": INTERRUPTED, "Message": f"{INTERRUPTED}: instance ended"}
    if wish.profile_arn:
        shape["IamInstanceProfile"] = {"Arn": wish.profile_arn, "Id": "AIPA0SIMULATED"}
    if not is_gone:
        shape |= _network_shape(instance, subnet.vpc_id, catalog)
    return shape


def _network_shape(instance: Instance, vpc_id: str, catalog: Catalog) -> dict[str, Any]:
    groups = [
        {"GroupId": group_id, "GroupName": catalog.groups[group_id].name}
        for group_id in instance.wish.group_ids
    ]
    return {
        "VpcId": vpc_id,
        "SubnetId": instance.wish.subnet_id,
        "PrivateIpAddress": instance.private_ip,
        "PublicIpAddress": instance.public_ip,
        "SourceDestCheck": True,
        "SecurityGroups": groups,
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": instance.instance_id.replace("i-", "eni-", 1),
                "SubnetId": instance.wish.subnet_id,
                "VpcId": vpc_id,
                "OwnerId": ACCOUNT_ID,
                "Status": "in-use",
                "PrivateIpAddress": instance.private_ip,
                "Groups": groups,
                "Attachment": {"DeviceIndex": 0, "Status": "attached", "DeleteOnTermination": True},
            }
        ],
    }


def device_shapes(instance: Instance, volumes: Mapping[str, Volume]) -> list[dict[str, Any]]:
    """Return the block devices of a live instance."""
    return [
        {
            "DeviceName": volumes[volume_id].device,
            "Ebs": {
                "VolumeId": volume_id,
                "Status": "attached",
                "AttachTime": instance.launched_at,
                "DeleteOnTermination": volumes[volume_id].delete_on_termination,
            },
        }
        for volume_id in instance.volume_ids
        if volume_id in volumes and instance.is_live
    ]


def volume_shape(volume: Volume) -> dict[str, Any]:
    """Return a volume as DescribeVolumes answers it."""
    attachments = [
        {
            "VolumeId": volume.volume_id,
            "InstanceId": volume.instance_id,
            "Device": volume.device,
            "State": "attached",
            "DeleteOnTermination": volume.delete_on_termination,
        }
    ]
    return {
        "VolumeId": volume.volume_id,
        "AvailabilityZone": volume.az,
        "Size": volume.size_gib,
        "VolumeType": volume.volume_type,
        "CreateTime": volume.created_at,
        "SnapshotId": volume.snapshot_id or "",
        "Encrypted": False,
        "State": "in-use" if volume.instance_id else "available",
        "Attachments": attachments if volume.instance_id else [],
        "Tags": tag_list(volume.tags),
    }


def image_shape(image: Image, now: datetime) -> dict[str, Any]:
    """Return an image as DescribeImages answers it."""
    return {
        "ImageId": image.image_id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"{ACCOUNT_ID}/{image.name}",
        "State": image.state(now),
        "OwnerId": ACCOUNT_ID,
        "Public": False,
        "CreationDate": f"{image.created_at:%Y-%m-%dT%H:%M:%S.000Z}",
        "Architecture": "x86_64",
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "SourceInstanceId": image.source_instance_id,
        "BlockDeviceMappings": [
            {
                "DeviceName": d["DeviceName"],
                "Ebs": {k: v for k, v in d.items() if k != "DeviceName"},
            }
            for d in image.devices
        ],
        "Tags": tag_list(image.tags),
    }


def snapshot_shape(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as DescribeSnapshots answers it."""
    return {
        "SnapshotId": snapshot.snapshot_id,
        "VolumeId": snapshot.volume_id,
        "VolumeSize": snapshot.size_gib,
        "StartTime": snapshot.started_at,
        "Description": snapshot.description,
        "State": "completed",
        "Progress": "100%",
        "OwnerId": ACCOUNT_ID,
        "Encrypted": False,
        "Tags": tag_list(snapshot.tags),
    }
