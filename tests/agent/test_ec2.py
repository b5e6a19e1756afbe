"""The EC2 wrapper over boto3: real request shapes against moto, real error codes by Stubber."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from agent.actions.launch_parameters import launch_parameters
from agent.actions.plans import Attempt, launch_token
from agent.aws.calls import CallCounter
from agent.aws.ec2 import Ec2
from agent.aws.errors import translated
from agent.aws.session import AwsSession
from agent.documents import Documents
from agent.errors import (
    AwsNotFound,
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    InsufficientCapacity,
)
from agent.launch_spec import LaunchSpec, read_launch_spec
from agent.logs import doing
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    """One pretend cloud for all tests here: starting it takes seconds."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture(scope="module")
def session(cloud, tmp_path_factory) -> AwsSession:
    documents = Documents(tmp_path_factory.mktemp("state"), "i-1")
    return AwsSession("us-east-1", CallCounter(FakeClock(), documents))


@pytest.fixture(scope="module")
def own_id(session) -> str:
    """A host that its user launched."""
    launched = session.ec2.run_instances(
        ImageId="ami-12345678",
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        UserData="#!/bin/sh",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}],
    )
    return launched["Instances"][0]["InstanceId"]


@pytest.fixture(scope="module")
def spec(own_id, session) -> LaunchSpec:
    return read_launch_spec(Ec2(session), own_id, "us-east-1")


def _attempt(spec: LaunchSpec, az: str) -> Attempt:
    return Attempt(
        "spot", "m5.large", az, spec.subnets[az], launch_token("c", "spot", "m5.large", az)
    )


def test_launch_spec_is_read_from_ec2(spec):
    assert spec.tags == {"Name": "web"}
    assert set(spec.subnets) >= {"us-east-1a", "us-east-1b"}
    assert spec.block_devices[0]["Ebs"]["VolumeSize"] > 0
    assert spec.vpc_id


def test_launch_is_accepted_and_found_by_its_tags(session, spec):
    ec2 = Ec2(session)
    parameters = launch_parameters(spec, _attempt(spec, "us-east-1b"), {"CommandId": "c-1"})

    launched = ec2.run(parameters)

    found = ec2.find_by_tags({"CommandId": "c-1"})
    assert [one.instance_id for one in found] == [launched.instance_id]
    assert (found[0].az, found[0].mode) == ("us-east-1b", "spot")
    assert found[0].tags == {"Name": "web", "CommandId": "c-1"}
    assert ec2.user_data(launched.instance_id) == spec.user_data


def test_instance_runs_passes_its_checks_and_ends(session, spec):
    ec2 = Ec2(session)
    instance_id = ec2.run(launch_parameters(spec, _attempt(spec, "us-east-1a"), {})).instance_id

    checks = (ec2.passes_status_checks(instance_id), ec2.is_protected(instance_id))
    ec2.terminate(instance_id)

    assert checks == (True, False)
    assert ec2.find(instance_id).has_ended


def test_instance_that_ec2_does_not_know_is_none(session):
    assert Ec2(session).find("i-0123456789abcdef0") is None


def test_tag_is_put_on_an_instance(own_id, session):
    Ec2(session).tag(own_id, {"SpotOptimizerEnrolled": "c:w"})

    assert Ec2(session).find(own_id).tags["SpotOptimizerEnrolled"] == "c:w"


def test_zone_names_are_translated(session):
    assert Ec2(session).zone_ids()["us-east-1a"].startswith("use1-az")


def test_every_request_is_counted_with_its_reason_and_survives_a_restart(own_id, tmp_path, clock):
    counter = CallCounter(clock, Documents(tmp_path, "i-1"))
    ec2 = Ec2(AwsSession("us-east-1", counter))
    with doing("inventory"):
        ec2.find(own_id)
        ec2.find(own_id)
    with doing("switch:c-1"):
        ec2.find(own_id)
    counter.save()

    kept = CallCounter(clock, Documents(tmp_path, "i-1")).snapshot()

    assert kept["ec2_calls"] == {"DescribeInstances": {"inventory": 2, "switch": 1}}
    assert list(kept["ec2_calls_by_hour"].values()) == [3]


def test_launches_are_never_repeated_by_boto(session):
    assert session.launcher().meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("InsufficientInstanceCapacity", 500, InsufficientCapacity),
        ("MaxSpotInstanceCountExceeded", 400, InsufficientCapacity),
        ("VcpuLimitExceeded", 400, InsufficientCapacity),
        ("Unsupported", 400, InsufficientCapacity),
        ("InsufficientFreeAddressesInSubnet", 400, InsufficientCapacity),
        ("RequestLimitExceeded", 503, AwsThrottled),
        ("InternalError", 500, AwsUnavailable),
        ("SomethingNew", 503, AwsUnavailable),
        ("InvalidInstanceID.NotFound", 400, AwsNotFound),
        ("UnauthorizedOperation", 403, AwsRejected),
        ("IdempotentParameterMismatch", 400, AwsRejected),
    ],
)
def test_error_code_has_its_meaning(session, code, status, meaning):
    launcher = session.launcher()
    with Stubber(launcher) as stub:
        stub.add_client_error("run_instances", code, "arn:secret-name", http_status_code=status)
        with pytest.raises(meaning) as caught:
            Ec2(session).run({})

    assert type(caught.value) is meaning
    assert str(caught.value) == f"RunInstances: {code}"


def test_lost_connection_is_transient():
    with pytest.raises(AwsUnavailable), translated():
        raise EndpointConnectionError(endpoint_url="https://ec2")


def test_error_without_code_is_a_rejection():
    with pytest.raises(AwsRejected, match="Unknown"), translated():
        raise ClientError({}, "RunInstances")
