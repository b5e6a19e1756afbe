"""Describe calls: filters, pages, tags, networks, images; and the account's limits."""

import time

import pytest
from botocore.exceptions import ClientError

from simulator.ec2.api import caller_of
from simulator.errors import AwsError
from simulator.region.catalog import APP_VPC
from simulator.region.faults import LIMITS, Fault, Throttle
from tests.simulator.conftest import ZONES, Bench
from tests.simulator.test_launching import code_of


def ids_of(answer) -> list[str]:
    return [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]]


def tagged(value: str) -> dict:
    tags = [{"Key": "LogicalAgentId", "Value": value}]
    return {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]}


def test_instances_are_found_by_tag_and_state(bench):
    wanted = bench.launch(**tagged("web-1"))["InstanceId"]
    ended = bench.launch(**tagged("web-1"))["InstanceId"]
    bench.launch(**tagged("web-2"))
    bench.advance(seconds=1)
    bench.ec2.terminate_instances(InstanceIds=[ended])

    answer = bench.ec2.describe_instances(
        Filters=[
            {"Name": "tag:LogicalAgentId", "Values": ["web-1"]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
    )

    assert ids_of(answer) == [wanted]


def test_pages_hold_every_instance_once(bench):
    launched = [bench.launch(client=bench.ec2)["InstanceId"] for _ in range(12)]

    pages = list(
        bench.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
    )

    assert [len(ids_of(page)) for page in pages] == [5, 5, 2]
    assert sorted(name for page in pages for name in ids_of(page)) == sorted(launched)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"InstanceIds": ["i-0123456789abcdef0"]}, "InvalidInstanceID.NotFound"),
        ({"InstanceIds": ["web-1"]}, "InvalidInstanceID.Malformed"),
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"NextToken": "nonsense"}, "InvalidNextToken"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ({"InstanceIds": ["i-0123456789abcdef0"], "MaxResults": 5}, "InvalidParameterCombination"),
    ],
)
def test_listing_is_refused_when_the_request_is_wrong(bench, request_, code):
    assert code_of(bench.ec2.describe_instances, **request_) == code


def test_unknown_and_ignored_calls_are_refused(bench):
    assert code_of(bench.ec2.describe_vpcs) == "UnsupportedOperation"
    assert code_of(bench.ec2.describe_images, ExecutableUsers=["self"]) == "UnsupportedOperation"


def test_ended_instance_is_forgotten_after_an_hour(bench):
    name = bench.launch()["InstanceId"]
    bench.ec2.terminate_instances(InstanceIds=[name])

    bench.advance(minutes=59)
    assert ids_of(bench.ec2.describe_instances()) == [name]
    bench.advance(minutes=2)
    assert ids_of(bench.ec2.describe_instances()) == []


def test_tags_are_written_listed_and_removed(bench):
    name = bench.launch()["InstanceId"]
    bench.ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "1"}])
    bench.ec2.create_tags(Resources=[name], Tags=[{"Key": "b", "Value": "2"}])
    bench.ec2.delete_tags(Resources=[name], Tags=[{"Key": "a"}])

    answer = bench.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])

    assert [(t["Key"], t["Value"], t["ResourceType"]) for t in answer["Tags"]] == [
        ("b", "2", "instance")
    ]


def test_subnets_and_zones_know_each_other(bench):
    subnets = bench.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [APP_VPC]}])
    zones = bench.ec2.describe_availability_zones()["AvailabilityZones"]

    ids = {zone["ZoneName"]: zone["ZoneId"] for zone in zones}
    found = {s["AvailabilityZone"]: s["AvailabilityZoneId"] for s in subnets["Subnets"]}
    assert found == ids
    assert sorted(ids) == list(ZONES)
    assert sorted(ids.values()) == ["euw1-az1", "euw1-az2", "euw1-az3"]
    assert ids[ZONES[0]] != "euw1-az1"


def test_image_becomes_available_later_and_keeps_its_snapshots(bench):
    name = bench.launch()["InstanceId"]
    bench.advance(seconds=1)
    image_id = bench.ec2.create_image(InstanceId=name, Name="of-web", NoReboot=True)["ImageId"]

    assert code_of(bench.launch, ImageId=image_id) == "InvalidAMIID.Unavailable"
    bench.advance(seconds=3)
    bench.ec2.get_waiter("image_available").wait(ImageIds=[image_id])
    assert bench.launch(ImageId=image_id)["ImageId"] == image_id

    snapshot = bench.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"][0]["SnapshotId"]
    assert code_of(bench.ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    bench.ec2.deregister_image(ImageId=image_id)
    bench.ec2.delete_snapshot(SnapshotId=snapshot)
    assert bench.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_image_is_refused_when_the_name_is_taken_or_the_instance_pending(bench):
    name = bench.launch()["InstanceId"]
    assert code_of(bench.ec2.create_image, InstanceId=name, Name="one") == "IncorrectInstanceState"
    bench.advance(seconds=1)
    bench.ec2.create_image(InstanceId=name, Name="one")

    assert (
        code_of(bench.ec2.create_image, InstanceId=name, Name="one") == "InvalidAMIName.Duplicate"
    )


def test_address_moves_unless_that_is_forbidden(bench):
    first, second = bench.launch()["InstanceId"], bench.launch()["InstanceId"]
    bench.advance(seconds=1)
    address = bench.ec2.allocate_address(Domain="vpc")["AllocationId"]
    bench.ec2.associate_address(AllocationId=address, InstanceId=first)

    refusal = code_of(
        bench.ec2.associate_address,
        AllocationId=address,
        InstanceId=second,
        AllowReassociation=False,
    )
    bench.ec2.associate_address(AllocationId=address, InstanceId=second)

    holders = [a["InstanceId"] for a in bench.ec2.describe_addresses()["Addresses"]]
    assert (refusal, holders) == ("Resource.AlreadyAssociated", [second])


def test_calls_are_counted_for_each_caller(bench):
    bench.client("ec2", key="i-0aaa").describe_instances()
    bench.client("ec2", key="i-0bbb").describe_subnets()
    bench.ec2.describe_subnets()

    assert bench.region.log.by_action(lambda caller: caller.startswith("i-")) == {
        "DescribeInstances": 1,
        "DescribeSubnets": 1,
    }
    assert bench.region.log.total() == 3


def test_calls_are_throttled_when_they_come_too_fast(wires):
    bench = Bench(wires, limits={**LIMITS, "read": (3.0, 1.0)})

    codes = []
    for _ in range(4):
        try:
            bench.ec2.describe_instances()
        except ClientError as refusal:
            codes.append(refusal.response["Error"]["Code"])
    bench.advance(seconds=1)
    bench.ec2.describe_instances()

    assert codes == ["RequestLimitExceeded"]


def test_boto_retries_when_calls_are_refused_for_a_while(bench):
    bench.region.faults.order(Fault("DescribeInstances", "RequestLimitExceeded", count=1))

    bench.client("ec2", attempts=3).describe_instances()

    assert [call.code for call in bench.region.log.calls] == ["RequestLimitExceeded", ""]


def test_throttle_refills_up_to_its_burst():
    throttle = Throttle({"RunInstances": (2.0, 1.0), "read": (1.0, 1.0), "write": (1.0, 1.0)})
    throttle.admit("RunInstances", 0.0)
    throttle.admit("RunInstances", 0.0)
    with pytest.raises(AwsError):
        throttle.admit("RunInstances", 0.5)

    throttle.admit("RunInstances", 100.0)
    throttle.admit("RunInstances", 100.0)
    with pytest.raises(AwsError):
        throttle.admit("RunInstances", 100.0)


def test_unsigned_call_is_refused():
    assert caller_of("AWS4-HMAC-SHA256 Credential=i-0abc/20260302/eu-west-1/ec2/x, x") == "i-0abc"
    with pytest.raises(AwsError) as refusal:
        caller_of("")
    assert refusal.value.code == "AuthFailure"


def test_describing_is_fast(bench):
    name = bench.launch()["InstanceId"]
    started = time.perf_counter()

    for _ in range(50):
        bench.ec2.describe_instances(InstanceIds=[name])

    assert time.perf_counter() - started < 2.0
