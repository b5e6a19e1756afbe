import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.modes import Mode
from backend.domain.pools import PoolName, is_region, parse_pool_name, pool_of, region_of
from backend.errors import InvalidRequest

NAME = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
TYPES = st.builds("{}.{}".format, NAME, NAME)
AZS = st.from_regex(r"\A(us|eu|ap)(-gov)?-(east|west|southeast)-[1-9]([a-f]|-lax-1[ab])\Z")


@given(instance_type=TYPES, az=AZS)
def test_pool_name_survives_the_way_to_text_and_back(instance_type, az):
    name = PoolName(instance_type=instance_type, az=az)

    assert parse_pool_name(str(name)) == name


def read_or_none(text):
    try:
        return parse_pool_name(text)
    except InvalidRequest:
        return None


@given(st.text("am5.-1us", max_size=24))
def test_pool_name_is_read_as_written_or_refused(text):
    name = read_or_none(text)

    assert name is None or str(name) == text


@pytest.mark.parametrize(
    ("text", "instance_type", "az"),
    [
        ("m5.large.us-east-1a", "m5.large", "us-east-1a"),
        ("u-6tb1.metal.eu-west-3c", "u-6tb1.metal", "eu-west-3c"),
        ("c7gn.16xlarge.us-gov-west-1b", "c7gn.16xlarge", "us-gov-west-1b"),
        ("t3.medium.us-west-2-lax-1a", "t3.medium", "us-west-2-lax-1a"),
        ("t3.medium.us-east-1-wl1-bos-wlz-1", "t3.medium", "us-east-1-wl1-bos-wlz-1"),
        ("m5.metal-48xl.mx-central-1a", "m5.metal-48xl", "mx-central-1a"),
    ],
)
def test_zone_is_what_follows_the_last_dot(text, instance_type, az):
    assert parse_pool_name(text) == PoolName(instance_type=instance_type, az=az)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "m5.large",
        "us-east-1a",
        "m5.large.us-east-1",
        "m5.large.",
        "large.us-east-1a",
        ".large.us-east-1a",
        "m5..us-east-1a",
        "a.m5.large.us-east-1a",
        "M5.large.us-east-1a",
        "m5.large.US-EAST-1A",
        "m5.large.us-east-1a\n",
        " m5.large.us-east-1a",
        "m5.large.unknown",
        "m5.large.us-east-1ab",
        "m5.large.us-east-1-",
        f"m5.{'x' * 62}.us-east-1a",
        f"m5.large.us-east-1-{'x' * 40}",
    ],
)
def test_pool_name_is_refused_when_a_part_is_wrong(text):
    with pytest.raises(InvalidRequest) as refused:
        parse_pool_name(text, field="target_pool_id")

    assert refused.value.facts["field"] == "target_pool_id"
    assert "target_pool_id" in refused.value.message


@pytest.mark.parametrize(
    ("az", "region"),
    [
        ("us-east-1a", "us-east-1"),
        ("us-west-2-lax-1a", "us-west-2"),
        ("us-gov-east-1c", "us-gov-east-1"),
        ("unknown", None),
        ("us-east-1", None),
    ],
)
def test_region_is_what_the_zone_begins_with(az, region):
    assert region_of(az) == region


@pytest.mark.parametrize(
    ("text", "expected"), [("us-east-1", True), ("us-east-1a", False), ("unknown", False)]
)
def test_region_is_told_from_other_words(text, expected):
    assert is_region(text) is expected


@pytest.mark.parametrize(
    ("instance_type", "az", "mode", "pool"),
    [
        ("m5.large", "us-east-1a", Mode.SPOT, "m5.large.us-east-1a"),
        ("m5.large", "us-east-1a", Mode.ONDEMAND, None),
        ("m5.large", "us-east-1a", Mode.UNKNOWN, None),
        ("unknown", "us-east-1a", Mode.SPOT, None),
        ("m5.large", "unknown", Mode.SPOT, None),
        (None, "us-east-1a", Mode.SPOT, None),
        ("m5.large", None, Mode.SPOT, None),
    ],
)
def test_only_spot_instances_of_known_parts_have_a_pool(instance_type, az, mode, pool):
    assert pool_of(instance_type, az, mode) == pool
