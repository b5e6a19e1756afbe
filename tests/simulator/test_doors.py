"""Addresses and target groups: users reach whoever holds them, and the region remembers."""

import pytest
from botocore.exceptions import ClientError

from simulator.ec2.api import Ec2Api
from simulator.elb.api import ElbApi
from simulator.front import Front
from simulator.price_list import PriceList
from simulator.region.model import EndCause
from simulator.region.target_groups import TargetGroups


@pytest.fixture
def groups(bench, wires) -> TargetGroups:
    """Target groups of the bench's region, reachable through boto3."""
    made = TargetGroups(bench.region)
    wires.front = Front(
        Ec2Api(bench.region, bench.launcher, bench.images),
        PriceList(bench.region),
        ElbApi(bench.region, made),
    )
    return made


def running(bench) -> str:
    instance = bench.launch()["InstanceId"]
    bench.advance(seconds=5)
    return instance


def refusal(call, **parameters) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_address_moves_to_another_instance_when_reassociation_is_allowed(bench):
    old, new = running(bench), running(bench)
    allocation = bench.ec2.allocate_address(Domain="vpc")["AllocationId"]
    bench.ec2.associate_address(AllocationId=allocation, InstanceId=old)

    code = refusal(
        bench.ec2.associate_address,
        AllocationId=allocation,
        InstanceId=new,
        AllowReassociation=False,
    )
    bench.advance(seconds=1)
    bench.ec2.associate_address(AllocationId=allocation, InstanceId=new, AllowReassociation=True)

    assert code == "Resource.AlreadyAssociated"
    shown = bench.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    assert shown["InstanceId"] == new
    assert [turn.holders for turn in bench.region.traffic.turns(allocation)] == [{old}, {new}]
    assert bench.region.traffic.led_to(allocation, new) == bench.clock.now()


def test_address_leads_nowhere_when_it_is_disassociated_or_its_instance_ends(bench):
    instance = running(bench)
    allocation = bench.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = bench.ec2.associate_address(AllocationId=allocation, InstanceId=instance)

    bench.ec2.disassociate_address(AssociationId=made["AssociationId"])
    after = bench.region.traffic.holders(allocation)
    bench.ec2.associate_address(AllocationId=allocation, InstanceId=instance)
    bench.region.end(instance, EndCause.INTERRUPTED)

    assert after == frozenset()
    assert bench.region.traffic.holders(allocation) == frozenset()
    assert refusal(bench.ec2.disassociate_address, AssociationId="eipassoc-0") == (
        "InvalidAssociationID.NotFound"
    )


def test_targets_come_and_go_and_say_how_they_are(bench, groups):
    elb = bench.client("elbv2")
    arn, instance = groups.create("web").arn, running(bench)

    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])
    fresh = health(elb, arn)
    bench.advance(seconds=2)
    settled = health(elb, arn)
    holders = bench.region.traffic.holders(arn)
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": instance, "Port": 80}])

    assert (fresh, settled) == ([(instance, 80, "initial")], [(instance, 80, "healthy")])
    assert holders == {instance}
    assert health(elb, arn) == []
    asked = elb.describe_target_health(TargetGroupArn=arn, Targets=[{"Id": instance, "Port": 81}])
    state = asked["TargetHealthDescriptions"][0]["TargetHealth"]
    assert (state["State"], state["Reason"]) == ("unused", "Target.NotRegistered")
    assert bench.region.traffic.holders(arn) == frozenset()


def test_target_that_has_ended_stays_registered_and_gets_no_traffic(bench, groups):
    elb = bench.client("elbv2")
    arn, instance = groups.create("web").arn, running(bench)
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])

    bench.region.end(instance, EndCause.DIED)

    assert health(elb, arn) == [(instance, 80, "unused")]
    assert bench.region.traffic.holders(arn) == frozenset()


def test_groups_are_described_by_arn_and_name(bench, groups):
    elb = bench.client("elbv2")
    one, two = groups.create("one"), groups.create("two")

    by_arn = elb.describe_target_groups(TargetGroupArns=[one.arn])["TargetGroups"]
    by_name = elb.describe_target_groups(Names=["two"])["TargetGroups"]

    assert [group["TargetGroupName"] for group in by_arn] == ["one"]
    assert [group["TargetGroupArn"] for group in by_name] == [two.arn]
    assert by_arn[0]["Port"] == 80


def test_refusals_have_the_codes_of_aws(bench, groups):
    elb = bench.client("elbv2")
    arn = groups.create("web").arn

    assert refusal(elb.describe_target_health, TargetGroupArn=f"{arn}x") == "TargetGroupNotFound"
    assert refusal(
        elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": "i-0123456789abcdef0"}]
    ) == ("InvalidTarget")
    assert refusal(elb.describe_load_balancers) == "InvalidAction"


def health(elb, arn: str) -> list[tuple[str, int, str]]:
    shown = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [(s["Target"]["Id"], s["Target"]["Port"], s["TargetHealth"]["State"]) for s in shown]
