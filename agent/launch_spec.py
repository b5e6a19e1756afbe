"""How to launch another one like this host: read from EC2 once, then carried by every launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.block_devices import describe_devices
from agent.errors import AwsNotFound

OUR_TAGS = frozenset(
    {"ManagedBy", "ClientId", "LogicalAgentId", "CommandId", "ReplicaId", "EventKey",
     "LaunchedBy", "SpotOptimizerEnrolled"}
)  # fmt: skip
LINUX = "Linux/UNIX"


@dataclass(frozen=True)
class LaunchSpec:
    """What a copy of this host needs. ``user_data`` is base64 and may hold secrets."""

    ami_id: str
    instance_type: str
    region: str
    az: str
    platform: str
    vpc_id: str
    subnets: Mapping[str, str]
    security_group_ids: Sequence[str]
    iam_instance_profile_arn: str | None
    key_name: str | None
    user_data: str = field(repr=False)
    block_devices: Sequence[Mapping[str, Any]]
    tags: Mapping[str, str]
    metadata_options: Mapping[str, Any]
    is_monitored: bool
    ebs_optimized: bool
    tenancy: str

    def to_wire(self) -> dict[str, Any]:
        """Return it as plain data, for the backend."""
        return asdict(self)

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> LaunchSpec:
        """Read what ``to_wire`` wrote, on this host or another; unknown names are passed over.

        Without user data there is none: the backend keeps it apart, and keeps no empty one.

        Raises:
            TypeError: something is missing.
        """
        known = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        return cls(**{"user_data": "", **known})


def read_launch_spec(ec2: Ec2, instance_id: str, region: str) -> LaunchSpec:
    """Read how this host was launched.

    Raises:
        AwsError: EC2 cannot be asked, or does not know this instance.
    """
    own = ec2.find(instance_id)
    if own is None:
        raise AwsNotFound("EC2 does not know this instance", code="InvalidInstanceID.NotFound")
    raw = own.raw
    subnets = ec2.subnets(raw["VpcId"]) if raw.get("VpcId") else []
    return LaunchSpec(
        ami_id=own.ami_id or "",
        instance_type=own.instance_type,
        region=region,
        az=own.az,
        platform=platform_of(own),
        vpc_id=raw.get("VpcId") or "",
        subnets=choose_subnets(subnets, raw.get("SubnetId")),
        security_group_ids=sorted(group["GroupId"] for group in _groups(raw)),
        iam_instance_profile_arn=(raw.get("IamInstanceProfile") or {}).get("Arn"),
        key_name=raw.get("KeyName"),
        user_data=ec2.user_data(instance_id),
        block_devices=describe_devices(own, ec2.volumes(instance_id)),
        tags={name: value for name, value in own.tags.items() if is_carried(name)},
        metadata_options=_metadata_options(raw),
        is_monitored=(raw.get("Monitoring") or {}).get("State") in {"enabled", "pending"},
        ebs_optimized=bool(raw.get("EbsOptimized")),
        tenancy=(raw.get("Placement") or {}).get("Tenancy") or "default",
    )


def platform_of(instance: Instance) -> str:
    """Return EC2's platform details, which are also the product that prices are listed under."""
    return instance.raw.get("PlatformDetails") or LINUX


def is_carried(tag: str) -> bool:
    """Tell whether a tag goes along: not AWS's own and not ours, which every launch makes anew."""
    return not tag.startswith("aws:") and tag not in OUR_TAGS


def choose_subnets(subnets: Sequence[Mapping[str, Any]], own_id: str | None) -> dict[str, str]:
    """Return one subnet for each AZ of the network.

    In its own AZ the host's own; elsewhere one that treats public addresses alike, and of those
    the one with most room.
    """
    own = next((subnet for subnet in subnets if subnet["SubnetId"] == own_id), {})
    is_public = own.get("MapPublicIpOnLaunch")

    def rank(subnet: Mapping[str, Any]) -> tuple[bool, bool, int, str]:
        return (
            subnet["SubnetId"] == own_id,
            subnet.get("MapPublicIpOnLaunch") == is_public,
            subnet.get("AvailableIpAddressCount", 0),
            subnet["SubnetId"],
        )

    usable = [subnet for subnet in subnets if subnet.get("State", "available") == "available"]
    return {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in sorted(usable, key=rank)}


def _groups(raw: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    interfaces = raw.get("NetworkInterfaces") or ()
    primary: Mapping[str, Any] = next(
        (i for i in interfaces if i["Attachment"]["DeviceIndex"] == 0), {}
    )
    return raw.get("SecurityGroups") or primary.get("Groups") or ()


def _metadata_options(raw: Mapping[str, Any]) -> dict[str, Any]:
    options = raw.get("MetadataOptions") or {}
    return {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": options.get("HttpPutResponseHopLimit") or 1,
        "InstanceMetadataTags": "enabled",
    }
