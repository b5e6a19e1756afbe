"""Pure judgements: what to launch, with which parameters, and what may be ended."""

import base64
import dataclasses

import pytest

from agent.actions.launch_parameters import launch_parameters
from agent.actions.plans import launch_token, obstacle_to_ending, parse_pool, plan_attempts
from agent.backend_client.commands import Command
from agent.errors import ActionFailed
from agent.launch_spec import LaunchSpec, choose_subnets, read_launch_spec
from tests.fakes.agent_ec2 import FakeEc2

TAGS = {"ManagedBy": "SpotOptimizer", "CommandId": "c-1"}


@pytest.fixture
def spec(ec2) -> LaunchSpec:
    return read_launch_spec(ec2, "i-old", "us-east-1")


def _command(mode: str, pools: list[str], **payload) -> Command:
    first = pools[0] if pools else None
    return Command("c-1", "switch", mode, first, 75, 0, {"pools": pools, **payload})


def test_attempts_follow_the_order_of_the_pools(spec):
    attempts = plan_attempts(
        _command("spot", ["m5.large.us-east-1c", "m6i.large.us-east-1a"]), spec
    )

    assert [(a.mode, a.pool_id, a.subnet_id) for a in attempts] == [
        ("spot", "m5.large.us-east-1c", "subnet-c"),
        ("spot", "m6i.large.us-east-1a", "subnet-a"),
    ]


def test_attempts_name_each_pool_once(spec):
    assert len(plan_attempts(_command("spot", ["m5.large.us-east-1c"] * 2), spec)) == 1


def test_attempts_end_with_ondemand_when_that_is_allowed(spec):
    attempts = plan_attempts(_command("spot", ["m5.large.us-east-1b"], allow_ondemand=True), spec)

    assert [(a.mode, a.az) for a in attempts] == [
        ("spot", "us-east-1b"),
        ("ondemand", "us-east-1a"),
        ("ondemand", "us-east-1b"),
        ("ondemand", "us-east-1c"),
    ]


def test_ondemand_target_prefers_the_named_pool_then_home(spec):
    command = dataclasses.replace(_command("ondemand", []), target_pool_id="m5.xlarge.us-east-1c")

    attempts = plan_attempts(command, spec)

    assert attempts[0].pool_id == "m5.xlarge.us-east-1c"
    assert attempts[1].pool_id == "m5.large.us-east-1a"


def test_other_platforms_are_refused(spec):
    windows = dataclasses.replace(spec, platform="Windows")

    with pytest.raises(ActionFailed, match="switching Windows is not supported"):
        plan_attempts(_command("spot", ["m5.large.us-east-1b"]), windows)


@pytest.mark.parametrize(
    "name", ["m5.large", "us-east-1a", "m5.large.", "a.b.c.d", "m5.large.../x"]
)
def test_pool_that_is_none_is_refused(name):
    with pytest.raises(ActionFailed):
        parse_pool(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("u-6tb1.metal.us-gov-west-1a", ("u-6tb1.metal", "us-gov-west-1a")),
        ("m5.large.us-west-2-lax-1a", ("m5.large", "us-west-2-lax-1a")),
    ],
)
def test_pool_is_split_into_type_and_zone(name, parts):
    assert parse_pool(name) == parts


def test_token_is_the_same_for_the_same_pool_and_fits():
    token = launch_token("c-1", "spot", "m5.large", "us-east-1a")

    assert token == launch_token("c-1", "spot", "m5.large", "us-east-1a")
    assert token != launch_token("c-2", "spot", "m5.large", "us-east-1a")
    assert token != launch_token("c-1", "ondemand", "m5.large", "us-east-1a")
    assert len(token) <= 64


def test_launch_carries_everything_over(spec):
    attempt = plan_attempts(_command("spot", ["m5.large.us-east-1b"]), spec)[0]

    asked = launch_parameters(spec, attempt, TAGS)

    assert asked["ImageId"] == "ami-1"
    assert asked["SubnetId"] == "subnet-b"
    assert asked["SecurityGroupIds"] == ["sg-1"]
    assert asked["IamInstanceProfile"]["Arn"].endswith("/web")
    assert asked["KeyName"] == "key-1"
    assert asked["UserData"] == b"#!/bin/sh"
    assert asked["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert asked["BlockDeviceMappings"] == [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {
                "VolumeSize": 30, "VolumeType": "gp3", "Iops": 4000, "DeleteOnTermination": True,
            },
        }
    ]  # fmt: skip
    assert "MaxPrice" not in str(asked)


def test_launch_requires_metadata_v2_and_offers_tags(spec):
    attempt = plan_attempts(_command("spot", ["m5.large.us-east-1b"]), spec)[0]

    options = launch_parameters(spec, attempt, TAGS)["MetadataOptions"]

    assert (options["HttpTokens"], options["InstanceMetadataTags"]) == ("required", "enabled")


def test_launch_does_not_offer_tags_that_metadata_refuses(spec):
    attempt = plan_attempts(_command("spot", ["m5.large.us-east-1b"]), spec)[0]
    spaced = dataclasses.replace(spec, tags={"kubernetes.io/cluster/x": "owned"})

    asked = launch_parameters(spaced, attempt, TAGS)

    assert asked["MetadataOptions"]["InstanceMetadataTags"] == "disabled"
    assert {"Key": "kubernetes.io/cluster/x", "Value": "owned"} in asked["TagSpecifications"][0][
        "Tags"
    ]


def test_spec_keeps_the_users_tags_and_neither_ours_nor_aws(ec2):
    ec2.instances["i-old"]["Tags"] += [{"Key": "CommandId", "Value": "c-0"}]

    spec = read_launch_spec(ec2, "i-old", "us-east-1")

    assert spec.tags == {"Name": "web", "team": "a"}


def test_spec_shows_no_user_data(spec):
    assert spec.user_data not in repr(spec)
    assert base64.b64decode(spec.to_wire()["user_data"]) == b"#!/bin/sh"


def test_subnets_treat_public_addresses_alike_and_have_room():
    def subnet(name: str, az: str, public: bool, room: int) -> dict:
        return {
            "SubnetId": name, "AvailabilityZone": az, "MapPublicIpOnLaunch": public,
            "AvailableIpAddressCount": room, "State": "available",
        }  # fmt: skip

    found = choose_subnets(
        [
            subnet("own", "a", False, 5),
            subnet("roomier", "a", False, 500),
            subnet("public", "b", True, 900),
            subnet("small", "b", False, 10),
            subnet("large", "b", False, 20),
        ],
        "own",
    )

    assert found == {"a": "own", "b": "large"}


@pytest.mark.parametrize(
    ("tags", "may"),
    [
        ({"ManagedBy": "SpotOptimizer", "ClientId": "c", "LogicalAgentId": "w"}, True),
        ({"SpotOptimizerEnrolled": "c:w"}, True),
        ({"ManagedBy": "SpotOptimizer", "ClientId": "c", "LogicalAgentId": "x"}, False),
        ({"ManagedBy": "SpotOptimizer", "ClientId": "d", "LogicalAgentId": "w"}, False),
        ({"SpotOptimizerEnrolled": "c:x"}, False),
        ({"ManagedBy": "SpotOptimizer"}, False),
        ({}, False),
    ],
)
def test_only_this_agents_instances_may_be_ended(tags, may):
    ec2 = FakeEc2()
    ec2.add("i-1", az="us-east-1a", tags=tags)

    obstacle = obstacle_to_ending(
        ec2.find("i-1"), own_id="i-2", client_id="c", logical_agent_id="w"
    )

    assert (obstacle is None) is may
