"""RunInstances is as strict as EC2."""

import base64

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from simulator.pools import Pool
from simulator.region.catalog import DEFAULT_GROUP, DEFAULT_VPC
from simulator.region.faults import ANSWER_LOST, Fault
from simulator.region.model import Lifecycle
from tests.simulator.conftest import ZONES


def code_of(call, *args, **kwargs) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as refusal:
        call(*args, **kwargs)
    return refusal.value.response["Error"]["Code"]


def test_launch_shows_all_that_was_asked_for(bench):
    tags = [{"Key": "ManagedBy", "Value": "SpotOptimizer"}]

    instance = bench.launch(
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        IamInstanceProfile={"Name": "agent"},
        KeyName="operator-key",
    )

    assert instance["InstanceLifecycle"] == "spot"
    assert instance["SpotInstanceRequestId"].startswith("sir-")
    assert instance["State"]["Name"] == "pending"
    assert instance["Placement"]["AvailabilityZone"] == ZONES[0]
    assert instance["Tags"] == tags
    assert instance["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
    assert instance["IamInstanceProfile"]["Arn"].endswith(":instance-profile/agent")


def test_launch_repeats_its_answer_when_the_token_is_repeated(bench):
    first = bench.launch(ClientToken="one")
    again = bench.launch(ClientToken="one", client=bench.client("ec2", key="i-0another"))

    assert again["InstanceId"] == first["InstanceId"]
    assert len(bench.region.instances) == 1


def test_launch_is_refused_when_a_token_comes_with_other_parameters(bench):
    bench.launch(ClientToken="one")

    assert code_of(bench.launch, ClientToken="one", KeyName="operator-key") == (
        "IdempotentParameterMismatch"
    )


def test_launch_is_refused_when_the_tokens_instance_has_ended(bench):
    instance = bench.launch(ClientToken="one")
    bench.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    assert code_of(bench.launch, ClientToken="one") == "IdempotentInstanceTerminated"


def test_token_launches_again_when_the_zone_is_another(bench):
    first = bench.launch(ZONES[0], ClientToken="one")
    second = bench.launch(ZONES[1], ClientToken="one")

    assert first["InstanceId"] != second["InstanceId"]


def test_launch_happens_once_when_its_answer_is_lost(bench):
    bench.region.faults.order(Fault("RunInstances", ANSWER_LOST))

    with pytest.raises(ConnectionClosedError):
        bench.launch(ClientToken="one")
    again = bench.launch(ClientToken="one")

    assert [again["InstanceId"]] == list(bench.region.instances)


def test_launch_is_refused_when_the_pool_is_full(bench):
    pool = Pool("m5.large", ZONES[0])
    bench.region.capacity.set(pool, Lifecycle.SPOT, 1)
    bench.launch(ClientToken="one")

    assert code_of(bench.launch, ClientToken="two") == "InsufficientInstanceCapacity"
    assert bench.launch(InstanceMarketOptions=None)["InstanceId"]


def test_refused_launch_does_not_use_up_its_token(bench):
    pool = Pool("m5.large", ZONES[0])
    bench.region.capacity.set(pool, Lifecycle.SPOT, 0)
    code_of(bench.launch, ClientToken="one")
    bench.region.capacity.set(pool, Lifecycle.SPOT, None)

    assert bench.launch(ClientToken="one")["InstanceId"]


def test_launch_is_refused_when_the_market_has_no_capacity(bench):
    bench.advance(hours=2)

    assert code_of(bench.launch, ZONES[2]) == "InsufficientInstanceCapacity"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "m9.huge"}, "InvalidParameterValue"),
        ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
        ({"SubnetId": None}, "InvalidParameter"),
        ({"SecurityGroupIds": [DEFAULT_GROUP]}, "InvalidParameter"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"Placement": {"AvailabilityZone": ZONES[1]}}, "InvalidParameterValue"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
        ({"UserData": "x" * 16_385}, "InvalidParameterValue"),
        ({"CpuOptions": {"CoreCount": 1}}, "UnsupportedOperation"),
        ({"DisableApiTermination": True}, "InvalidParameterCombination"),
        ({"DryRun": True}, "DryRunOperation"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-1"}]},
            "InvalidParameterCombination",
        ),
        (
            {"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "aws:x"}]}]},
            "InvalidParameterValue",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-1"}}]},
            "InvalidSnapshot.NotFound",
        ),
        (
            {
                "InstanceMarketOptions": {
                    "MarketType": "spot",
                    "SpotOptions": {"SpotInstanceType": "persistent"},
                }
            },
            "UnsupportedOperation",
        ),
    ],
)
def test_launch_is_refused_when_the_request_is_wrong(bench, changes, code):
    assert code_of(bench.launch, **changes) == code
    assert bench.region.instances == {}


def test_launch_without_subnet_goes_to_the_default_network(bench):
    instance = bench.launch(SubnetId=None, SecurityGroupIds=None)

    assert instance["VpcId"] == DEFAULT_VPC
    assert instance["PublicIpAddress"].startswith("198.51.")


def test_user_data_is_read_back_as_it_was_given(bench):
    instance = bench.launch(UserData="#!/bin/sh\ntrue\n")

    answer = bench.ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="userData"
    )

    assert base64.b64decode(answer["UserData"]["Value"]) == b"#!/bin/sh\ntrue\n"


def test_states_follow_the_clock(bench):
    name = bench.launch()["InstanceId"]

    def seen() -> tuple[str, str]:
        instance = bench.ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"]
        status = bench.ec2.describe_instance_status(InstanceIds=[name], IncludeAllInstances=True)
        return (
            instance[0]["State"]["Name"],
            status["InstanceStatuses"][0]["InstanceStatus"]["Status"],
        )

    states = [seen()]
    for seconds in (0.5, 2.0):
        bench.advance(seconds=seconds)
        states.append(seen())
    bench.ec2.terminate_instances(InstanceIds=[name])
    states.append(seen())
    bench.advance(seconds=1)
    states.append(seen())

    assert states == [
        ("pending", "not-applicable"),
        ("running", "initializing"),
        ("running", "ok"),
        ("shutting-down", "not-applicable"),
        ("terminated", "not-applicable"),
    ]


def test_protected_instance_survives_and_so_do_its_companions(bench):
    plain = bench.launch()["InstanceId"]
    kept = bench.launch(InstanceMarketOptions=None, DisableApiTermination=True)["InstanceId"]

    assert code_of(bench.ec2.terminate_instances, InstanceIds=[plain, kept]) == (
        "OperationNotPermitted"
    )
    assert all(instance.is_live for instance in bench.region.instances.values())
    bench.ec2.modify_instance_attribute(InstanceId=kept, DisableApiTermination={"Value": False})
    bench.ec2.terminate_instances(InstanceIds=[plain, kept])
    assert bench.region.live() == []


def test_termination_is_repeatable_and_takes_the_root_volume(bench):
    data = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": False}}
    name = bench.launch(BlockDeviceMappings=[data])["InstanceId"]

    for _ in range(2):
        bench.ec2.terminate_instances(InstanceIds=[name])

    left = bench.ec2.describe_volumes()["Volumes"]
    assert [(v["Size"], v["State"]) for v in left] == [(20, "available")]
