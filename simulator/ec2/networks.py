"""Operations on zones, subnets, security groups and addresses."""

from typing import Any

from simulator.ec2.filters import filtered
from simulator.ec2.operations import Context, Operations, Parameters, Result, stop_dry_run
from simulator.ec2.shapes import tag_list, tags_from
from simulator.errors import AwsError
from simulator.region.catalog import ACCOUNT_ID, Subnet
from simulator.region.model import Address, Instance

ADDRESSES_A_SUBNET = 251


def add_network_operations(operations: Operations) -> None:
    """Teach the API where things are, and how they are reached."""
    operations.add("DescribeAvailabilityZones", "ZoneNames", "ZoneIds", "Filters")(_zones)
    operations.add("DescribeSubnets", "SubnetIds", "Filters")(_subnets)
    operations.add("DescribeSecurityGroups", "GroupIds", "Filters")(_groups)
    operations.add("DescribeAddresses", "AllocationIds", "PublicIps", "Filters")(_addresses)
    operations.add("AllocateAddress", "Domain", "TagSpecifications")(_allocate)
    operations.add("AssociateAddress", "AllocationId", "InstanceId", "AllowReassociation")(
        _associate
    )
    operations.add("DisassociateAddress", "AssociationId")(_disassociate)


def _zones(context: Context, parameters: Parameters) -> Result:
    catalog = context.region.catalog
    for name in parameters.get("ZoneNames", []):
        if name not in catalog.zones:
            raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{name}]")
    zones = filtered(
        [az for az in catalog.zones if az in parameters.get("ZoneNames", catalog.zones)],
        parameters.get("Filters", []),
        {
            "zone-name": lambda az: az,
            "zone-id": catalog.zone_id,
            "region-name": lambda _az: catalog.region,
            "state": lambda _az: "available",
            "opt-in-status": lambda _az: "opt-in-not-required",
            "zone-type": lambda _az: "availability-zone",
        },
    )
    wanted_ids = parameters.get("ZoneIds")
    shapes = [
        {
            "ZoneName": az,
            "ZoneId": catalog.zone_id(az),
            "ZoneType": "availability-zone",
            "RegionName": catalog.region,
            "State": "available",
            "OptInStatus": "opt-in-not-required",
            "GroupName": catalog.region,
            "NetworkBorderGroup": catalog.region,
            "Messages": [],
        }
        for az in zones
        if wanted_ids is None or catalog.zone_id(az) in wanted_ids
    ]
    return {"AvailabilityZones": shapes}


def _subnets(context: Context, parameters: Parameters) -> Result:
    catalog = context.region.catalog
    for name in parameters.get("SubnetIds", []):
        if name not in catalog.subnets:
            raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{name}' does not exist")
    wanted = parameters.get("SubnetIds", list(catalog.subnets))
    chosen = filtered(
        [catalog.subnets[name] for name in wanted],
        parameters.get("Filters", []),
        {
            "vpc-id": lambda s: s.vpc_id,
            "subnet-id": lambda s: s.subnet_id,
            "availability-zone": lambda s: s.az,
            "availability-zone-id": lambda s: catalog.zone_id(s.az),
            "default-for-az": lambda s: str(s.is_default).lower(),
            "state": lambda _s: "available",
        },
        lambda _s: {},
    )
    return {"Subnets": [_subnet_shape(context, subnet) for subnet in chosen]}


def _subnet_shape(context: Context, subnet: Subnet) -> dict[str, Any]:
    used = sum(
        1
        for i in context.region.instances.values()
        if i.is_live and i.wish.subnet_id == subnet.subnet_id
    )
    return {
        "SubnetId": subnet.subnet_id,
        "VpcId": subnet.vpc_id,
        "AvailabilityZone": subnet.az,
        "AvailabilityZoneId": context.region.catalog.zone_id(subnet.az),
        "CidrBlock": f"{subnet.prefix}.0/24",
        "AvailableIpAddressCount": ADDRESSES_A_SUBNET - used,
        "DefaultForAz": subnet.is_default,
        "MapPublicIpOnLaunch": subnet.is_default,
        "State": "available",
        "OwnerId": ACCOUNT_ID,
        "Tags": [],
    }


def _groups(context: Context, parameters: Parameters) -> Result:
    groups = context.region.catalog.groups
    for name in parameters.get("GroupIds", []):
        if name not in groups:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
    wanted = parameters.get("GroupIds", list(groups))
    chosen = filtered(
        [groups[name] for name in wanted],
        parameters.get("Filters", []),
        {
            "vpc-id": lambda g: g.vpc_id,
            "group-id": lambda g: g.group_id,
            "group-name": lambda g: g.name,
        },
        lambda _g: {},
    )
    shapes = [
        {
            "GroupId": group.group_id,
            "GroupName": group.name,
            "VpcId": group.vpc_id,
            "Description": group.name,
            "OwnerId": ACCOUNT_ID,
            "IpPermissions": [],
            "Tags": [],
        }
        for group in chosen
    ]
    return {"SecurityGroups": shapes}


def _addresses(context: Context, parameters: Parameters) -> Result:
    known = context.region.addresses
    for name in parameters.get("AllocationIds", []):
        if name not in known:
            raise AwsError("InvalidAllocationID.NotFound", f"There is no allocation '{name}'")
    chosen = filtered(
        [known[name] for name in parameters.get("AllocationIds", list(known))],
        parameters.get("Filters", []),
        {
            "allocation-id": lambda a: a.allocation_id,
            "instance-id": lambda a: a.instance_id,
            "association-id": lambda a: a.association_id,
            "public-ip": lambda a: a.public_ip,
            "domain": lambda _a: "vpc",
        },
        lambda a: a.tags,
    )
    wanted_ips = parameters.get("PublicIps")
    shapes = [
        _address_shape(context, address)
        for address in chosen
        if wanted_ips is None or address.public_ip in wanted_ips
    ]
    return {"Addresses": shapes}


def _address_shape(context: Context, address: Address) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "AllocationId": address.allocation_id,
        "PublicIp": address.public_ip,
        "Domain": "vpc",
        "AssociationId": address.association_id,
        "InstanceId": address.instance_id,
        "Tags": tag_list(address.tags),
    }
    if address.instance_id:
        holder = context.region.instances[address.instance_id]
        shape["PrivateIpAddress"] = holder.private_ip
    return shape


def _allocate(context: Context, parameters: Parameters) -> Result:
    tags = tags_from(parameters.get("TagSpecifications", []), "elastic-ip")
    stop_dry_run(parameters)
    region = context.region
    address = Address(
        allocation_id=region.ids.make("eipalloc"),
        public_ip=_public_ip(len(region.addresses)),
        tags=tags.get("elastic-ip", {}),
    )
    region.addresses[address.allocation_id] = address
    return {"AllocationId": address.allocation_id, "PublicIp": address.public_ip, "Domain": "vpc"}


def _associate(context: Context, parameters: Parameters) -> Result:
    region = context.region
    address = region.addresses.get(parameters.get("AllocationId", ""))
    if address is None:
        raise AwsError("InvalidAllocationID.NotFound", "There is no such allocation")
    instance = region.get_instance(parameters.get("InstanceId", ""))
    _check_association(context, parameters, address, instance)
    stop_dry_run(parameters)
    if address.instance_id != instance.instance_id:
        address.association_id = region.ids.make("eipassoc")
        address.instance_id = instance.instance_id
        holders = frozenset({instance.instance_id})
        region.traffic.note(region.clock.now(), address.allocation_id, holders)
    return {"AssociationId": address.association_id}


def _disassociate(context: Context, parameters: Parameters) -> Result:
    region, wanted = context.region, parameters.get("AssociationId", "")
    for address in region.addresses.values():
        if wanted and address.association_id == wanted:
            stop_dry_run(parameters)
            address.association_id = address.instance_id = None
            region.traffic.note(region.clock.now(), address.allocation_id, frozenset())
            return {}
    raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{wanted}' does not exist")


def _public_ip(number: int) -> str:
    """Return one of the addresses that are set aside for examples and tests."""
    return f"198.{18 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"


def _check_association(
    context: Context, parameters: Parameters, address: Address, instance: Instance
) -> None:
    if instance.state(context.region.clock.now()) != "running":
        raise AwsError(
            "IncorrectInstanceState", f"The instance '{instance.instance_id}' is not running"
        )
    is_elsewhere = address.instance_id not in (None, instance.instance_id)
    if is_elsewhere and not parameters.get("AllowReassociation", True):
        raise AwsError(
            "Resource.AlreadyAssociated", f"{address.allocation_id} is already associated"
        )
