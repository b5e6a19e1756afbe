"""Operations on instances."""

from typing import Any

from simulator.ec2.filters import Getter, filtered
from simulator.ec2.launch_request import LAUNCH_PARAMETERS, read_launch
from simulator.ec2.operations import Context, Operations, Parameters, Result, stop_dry_run
from simulator.ec2.pages import check_page_size, page_after
from simulator.ec2.shapes import STATE_CODES, device_shapes, instance_shape
from simulator.errors import AwsError
from simulator.region.catalog import ACCOUNT_ID
from simulator.region.launching import Launcher
from simulator.region.model import Instance, Lifecycle

LARGEST_PAGE = 1000
ATTRIBUTES = ("userData", "disableApiTermination", "instanceType")


def add_instance_operations(operations: Operations, launcher: Launcher) -> None:
    """Teach the API launching, describing and ending."""

    @operations.add("RunInstances", *LAUNCH_PARAMETERS)
    def run_instances(context: Context, parameters: Parameters) -> Result:
        wish, zone = read_launch(context, parameters)
        stop_dry_run(parameters)
        instance = launcher.launch(wish, zone)
        return {
            "ReservationId": instance.reservation_id,
            "OwnerId": ACCOUNT_ID,
            "Groups": [],
            "Instances": [_shape(context, instance)],
        }

    operations.add("DescribeInstances", "InstanceIds", "Filters", "MaxResults", "NextToken")(
        _describe_instances
    )
    operations.add(
        "DescribeInstanceStatus",
        "InstanceIds", "Filters", "MaxResults", "NextToken", "IncludeAllInstances",
    )(_describe_status)  # fmt: skip
    operations.add("DescribeInstanceAttribute", "InstanceId", "Attribute")(_describe_attribute)
    operations.add("ModifyInstanceAttribute", "InstanceId", "DisableApiTermination")(_modify)
    operations.add("TerminateInstances", "InstanceIds")(_terminate)


def _shape(context: Context, instance: Instance) -> dict[str, Any]:
    region = context.region
    shape = instance_shape(instance, region.clock.now(), region.catalog)
    return shape | {"BlockDeviceMappings": device_shapes(instance, region.volumes)}


def _getters(context: Context) -> dict[str, Getter[Instance]]:
    now, catalog = context.region.clock.now(), context.region.catalog
    return {
        "instance-id": lambda i: i.instance_id,
        "instance-state-name": lambda i: i.state(now),
        "instance-state-code": lambda i: str(STATE_CODES[i.state(now)]),
        "instance-type": lambda i: i.wish.instance_type,
        "instance-lifecycle": lambda i: i.wish.lifecycle if i.is_spot else None,
        "availability-zone": lambda i: i.wish.az,
        "image-id": lambda i: i.wish.image_id,
        "subnet-id": lambda i: i.wish.subnet_id,
        "vpc-id": lambda i: catalog.subnets[i.wish.subnet_id].vpc_id,
        "client-token": lambda i: i.wish.client_token,
        "private-ip-address": lambda i: i.private_ip,
        "ip-address": lambda i: i.public_ip,
        "spot-instance-request-id": lambda i: i.spot_request_id,
    }


def _chosen(
    context: Context, parameters: Parameters, *, smallest_page: int
) -> tuple[list[Instance], str | None]:
    region, ids = context.region, parameters.get("InstanceIds", [])
    if ids and ("MaxResults" in parameters or "NextToken" in parameters):
        raise AwsError(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        )
    now = region.clock.now()
    if ids:
        wanted = [region.get_instance(name) for name in dict.fromkeys(ids)]
    else:
        wanted = [i for i in region.instances.values() if i.is_described(now)]
    kept = filtered(wanted, parameters.get("Filters", []), _getters(context), lambda i: i.tags)
    kept.sort(key=_place)
    size = check_page_size(parameters.get("MaxResults"), smallest_page, LARGEST_PAGE)
    return page_after(kept, [_place(i) for i in kept], parameters.get("NextToken"), size)


def _place(instance: Instance) -> str:
    return f"{instance.launched_at.timestamp():020.6f}{instance.instance_id}"


def _describe_instances(context: Context, parameters: Parameters) -> Result:
    page, token = _chosen(context, parameters, smallest_page=5)
    reservations = [
        {
            "ReservationId": instance.reservation_id,
            "OwnerId": ACCOUNT_ID,
            "RequesterId": "spot.amazonaws.com" if instance.is_spot else None,
            "Groups": [],
            "Instances": [_shape(context, instance)],
        }
        for instance in page
    ]
    return {"Reservations": reservations, "NextToken": token}


def _describe_status(context: Context, parameters: Parameters) -> Result:
    chosen, token = _chosen(context, parameters, smallest_page=5)
    now = context.region.clock.now()
    everything = parameters.get("IncludeAllInstances", False)
    statuses = [
        _status(context, instance, now_state)
        for instance in chosen
        if (now_state := instance.state(now)) == "running" or everything
    ]
    return {"InstanceStatuses": statuses, "NextToken": token}


def _status(context: Context, instance: Instance, state: str) -> dict[str, Any]:
    checks = instance.checks(context.region.clock.now()) if state == "running" else "not-applicable"
    details = [{"Name": "reachability", "Status": "passed" if checks == "ok" else "initializing"}]
    summary = {"Status": checks, "Details": details if state == "running" else []}
    return {
        "InstanceId": instance.instance_id,
        "AvailabilityZone": instance.wish.az,
        "InstanceState": {"Code": STATE_CODES[state], "Name": state},
        "SystemStatus": summary,
        "InstanceStatus": summary,
        "Events": [],
    }


def _describe_attribute(context: Context, parameters: Parameters) -> Result:
    instance = context.region.get_instance(parameters["InstanceId"])
    attribute = parameters["Attribute"]
    if attribute not in ATTRIBUTES:
        raise AwsError("UnsupportedOperation", f"The simulator does not know {attribute}")
    result: Result = {"InstanceId": instance.instance_id}
    if attribute == "userData":
        has_data = instance.wish.user_data is not None
        return result | {"UserData": {"Value": instance.wish.user_data} if has_data else {}}
    if attribute == "disableApiTermination":
        return result | {"DisableApiTermination": {"Value": instance.is_protected}}
    return result | {"InstanceType": {"Value": instance.wish.instance_type}}


def _modify(context: Context, parameters: Parameters) -> Result:
    instance = context.region.get_instance(parameters["InstanceId"])
    wanted = parameters.get("DisableApiTermination", {}).get("Value")
    if wanted is None:
        raise AwsError("InvalidParameterCombination", "No attributes specified.")
    if wanted and instance.wish.lifecycle is Lifecycle.SPOT:
        raise AwsError("UnsupportedOperation", "Spot instances cannot be protected")
    stop_dry_run(parameters)
    instance.is_protected = wanted
    return {}


def _terminate(context: Context, parameters: Parameters) -> Result:
    region = context.region
    if parameters.get("DryRun"):
        for name in parameters["InstanceIds"]:
            region.get_instance(name)
        stop_dry_run(parameters)
    now = region.clock.now()
    changes = [
        {
            "InstanceId": instance.instance_id,
            "PreviousState": {"Code": STATE_CODES[before], "Name": before},
            "CurrentState": {
                "Code": STATE_CODES[instance.state(now)],
                "Name": instance.state(now),
            },
        }
        for instance, before in region.terminate(parameters["InstanceIds"], context.caller)
    ]
    return {"TerminatingInstances": changes}
