"""Addresses, target groups and images over boto3: real request shapes, real answers."""

from collections.abc import Iterator

import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from agent.aws.addresses import Addresses
from agent.aws.calls import CallCounter
from agent.aws.images import Images
from agent.aws.session import AwsSession
from agent.aws.target_groups import TargetGroups
from agent.documents import Documents
from agent.errors import AwsRejected
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    """One pretend cloud for all tests here: starting it takes seconds."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture(scope="module")
def counter(tmp_path_factory) -> CallCounter:
    return CallCounter(FakeClock(), Documents(tmp_path_factory.mktemp("state"), "i-1"))


@pytest.fixture(scope="module")
def session(cloud, counter) -> AwsSession:
    return AwsSession("us-east-1", counter)


@pytest.fixture(scope="module")
def hosts(session) -> list[str]:
    """An old host and a new one."""
    answer = session.ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)
    return [one["InstanceId"] for one in answer["Instances"]]


def test_address_moves_from_one_host_to_another(session, hosts):
    addresses = Addresses(session)
    allocation_id = session.ec2.allocate_address(Domain="vpc")["AllocationId"]
    before = addresses.holder(allocation_id)

    for host in [hosts[0], hosts[1], hosts[1]]:
        addresses.associate(allocation_id, host)

    assert before is None
    assert addresses.holder(allocation_id) == hosts[1]


def test_targets_move_from_one_host_to_another(session, hosts, counter):
    vpc_id = session.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    client = session.load_balancing()
    made = client.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc_id)
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    groups = TargetGroups(session)
    groups.register(arn, hosts[0], None)

    groups.register(arn, hosts[1], 8080)
    groups.deregister(arn, hosts[0], None)

    assert groups.health(arn, hosts[1]) not in {"missing", "unhealthy"}
    assert groups.health(arn, "i-unknown") == "missing"
    calls = counter.snapshot()["ec2_calls"]
    assert calls["elastic-load-balancing-v2:RegisterTargets"] == {"start": 2}


def test_target_group_that_does_not_exist_is_named(session, hosts):
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/none/1234567890123456"

    with pytest.raises(AwsRejected) as caught:
        TargetGroups(session).register(arn, hosts[0], None)

    assert caught.value.code == "TargetGroupNotFound"


def test_image_is_begun_without_a_reboot_and_only_once(counter, cloud):
    session = AwsSession("us-east-1", counter)
    asked = {"InstanceId": "i-1", "Name": "last", "NoReboot": True, "TagSpecifications": ANY}
    found = {"Images": [{"ImageId": "ami-1"}]}
    with Stubber(session.launcher()) as maker, Stubber(session.ec2) as finder:
        maker.add_response("create_image", {"ImageId": "ami-1"}, asked)
        maker.add_client_error("create_image", "InvalidAMIName.Duplicate")
        finder.add_response("describe_images", found)

        ids = [Images(session).create("i-1", "last", {"ManagedBy": "us"}) for _ in range(2)]

    assert ids == ["ami-1", "ami-1"]
