"""RunInstances parameters -> a checked wish. Here EC2 is strict, and so are we."""

import base64
import binascii
from typing import Any

from simulator.ec2.operations import Context, Parameters
from simulator.ec2.shapes import tags_from
from simulator.errors import AwsError
from simulator.region.catalog import (
    ACCOUNT_ID,
    DEFAULT_GROUP,
    DEFAULT_VPC,
    KEY_NAME,
    Catalog,
    Subnet,
)
from simulator.region.model import LaunchWish, Lifecycle

LONGEST_TOKEN = 64
LONGEST_USER_DATA = 16_384  # bytes, decoded
LAUNCH_PARAMETERS = (
    "ImageId", "InstanceType", "MinCount", "MaxCount", "KeyName", "SecurityGroupIds", "SubnetId",
    "UserData", "TagSpecifications", "InstanceMarketOptions", "MetadataOptions", "ClientToken",
    "DisableApiTermination", "InstanceInitiatedShutdownBehavior", "NetworkInterfaces",
    "IamInstanceProfile", "EbsOptimized", "BlockDeviceMappings", "Placement", "Monitoring",
)  # fmt: skip


def read_launch(context: Context, parameters: Parameters) -> tuple[LaunchWish, str]:
    """Return the wish, and the zone that the request names ("" when it leaves it to EC2).

    Raises:
        AwsError: as RunInstances refuses.
    """
    catalog = context.region.catalog
    if (parameters.get("MinCount"), parameters.get("MaxCount")) != (1, 1):
        raise AwsError("UnsupportedOperation", "The simulator launches one instance a call")
    instance_type = parameters.get("InstanceType", "m1.small")
    if instance_type not in catalog.ondemand:
        raise AwsError(
            "InvalidParameterValue", f"Invalid value '{instance_type}' for InstanceType."
        )
    network = _network(parameters)
    subnet, named_zone = _subnet(catalog, parameters, network)
    tags = tags_from(
        parameters.get("TagSpecifications", []),
        "instance", "volume", "network-interface", "spot-instances-request",
    )  # fmt: skip
    wish = LaunchWish(
        image_id=_required(parameters, "ImageId"),
        instance_type=instance_type,
        lifecycle=_lifecycle(parameters),
        az=subnet.az,
        subnet_id=subnet.subnet_id,
        group_ids=_groups(catalog, subnet, parameters, network),
        caller=context.caller,
        client_token=_token(parameters),
        user_data=_user_data(parameters),
        key_name=_key(parameters),
        profile_arn=_profile(parameters),
        has_public_ip=bool(network.get("AssociatePublicIpAddress", subnet.is_default)),
        metadata_options=dict(parameters.get("MetadataOptions", {})),
        devices=tuple(parameters.get("BlockDeviceMappings", [])),
        tags=tags.get("instance", {}),
        volume_tags=tags.get("volume", {}),
        is_protected=parameters.get("DisableApiTermination", False),
        ebs_optimized=parameters.get("EbsOptimized", False),
        monitoring=parameters.get("Monitoring", {}).get("Enabled", False),
    )
    if wish.is_protected and wish.lifecycle is Lifecycle.SPOT:
        raise AwsError(
            "InvalidParameterCombination", "Spot instances cannot be protected from termination"
        )
    return wish, named_zone


def _required(parameters: Parameters, name: str) -> str:
    if not parameters.get(name):
        raise AwsError("MissingParameter", f"The request must contain the parameter {name}")
    return str(parameters[name])


def _network(parameters: Parameters) -> dict[str, Any]:
    interfaces = parameters.get("NetworkInterfaces", [])
    if not interfaces:
        return {}
    if len(interfaces) > 1 or "NetworkInterfaceId" in interfaces[0]:
        raise AwsError("UnsupportedOperation", "The simulator makes one new network interface")
    if "SubnetId" in parameters or "SecurityGroupIds" in parameters:
        raise AwsError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be "
            "specified on the same request",
        )
    if interfaces[0].get("DeviceIndex") != 0:
        raise AwsError("InvalidParameterCombination", "The primary interface has device index 0")
    return dict(interfaces[0])


def _subnet(
    catalog: Catalog, parameters: Parameters, network: dict[str, Any]
) -> tuple[Subnet, str]:
    zone = parameters.get("Placement", {}).get("AvailabilityZone")
    subnet_id = network.get("SubnetId", parameters.get("SubnetId"))
    if zone is not None and zone not in catalog.zones:
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    if subnet_id is None:
        return catalog.subnet_in(DEFAULT_VPC, zone or catalog.zones[0]), zone or ""
    if subnet_id not in catalog.subnets:
        raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
    subnet = catalog.subnets[subnet_id]
    if zone is not None and zone != subnet.az:
        raise AwsError(
            "InvalidParameterValue",
            f"The availability zone '{zone}' is not that of {subnet_id}, which is {subnet.az}",
        )
    return subnet, subnet.az


def _groups(
    catalog: Catalog, subnet: Subnet, parameters: Parameters, network: dict[str, Any]
) -> tuple[str, ...]:
    wanted = network.get("Groups", parameters.get("SecurityGroupIds"))
    if wanted is None:
        own = [g.group_id for g in catalog.groups.values() if g.vpc_id == subnet.vpc_id]
        return (DEFAULT_GROUP,) if subnet.is_default else tuple(own[:1])
    for group_id in wanted:
        group = catalog.groups.get(group_id)
        if group is None:
            raise AwsError(
                "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
            )
        if group.vpc_id != subnet.vpc_id:
            raise AwsError(
                "InvalidParameter",
                f"Security group {group_id} and subnet {subnet.subnet_id} belong to different "
                "networks.",
            )
    return tuple(wanted)


def _lifecycle(parameters: Parameters) -> Lifecycle:
    options = parameters.get("InstanceMarketOptions")
    if options is None:
        return Lifecycle.ONDEMAND
    if options.get("MarketType") != "spot":
        raise AwsError("InvalidParameterValue", "MarketType must be spot")
    spot = options.get("SpotOptions", {})
    behaviour = spot.get("InstanceInterruptionBehavior", "terminate")
    if spot.get("SpotInstanceType", "one-time") != "one-time" or behaviour != "terminate":
        raise AwsError(
            "UnsupportedOperation", "The simulator knows one-time requests that terminate"
        )
    if "MaxPrice" in spot:
        raise AwsError("UnsupportedOperation", "The simulator knows no MaxPrice; leave it out")
    return Lifecycle.SPOT


def _token(parameters: Parameters) -> str | None:
    token = parameters.get("ClientToken")
    if token is not None and not (token.isascii() and len(token) <= LONGEST_TOKEN):
        raise AwsError("InvalidParameterValue", "ClientToken: at most 64 ASCII characters")
    return token or None


def _user_data(parameters: Parameters) -> str | None:
    text = parameters.get("UserData")
    if text is None:
        return None
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError(
            "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data"
        ) from None
    if len(decoded) > LONGEST_USER_DATA:
        raise AwsError("InvalidParameterValue", "User data is limited to 16384 bytes")
    return str(text)


def _key(parameters: Parameters) -> str | None:
    name = parameters.get("KeyName")
    if name not in (None, KEY_NAME):
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return name


def _profile(parameters: Parameters) -> str | None:
    profile = parameters.get("IamInstanceProfile")
    if profile is None:
        return None
    if len(profile) != 1:
        raise AwsError("InvalidParameterCombination", "Give the profile's Arn or its Name")
    arn = f"arn:aws:iam::{ACCOUNT_ID}:instance-profile/{profile.get('Name', '')}"
    return str(profile.get("Arn", arn))
