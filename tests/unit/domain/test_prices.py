import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.pools import PoolName
from backend.domain.prices import (
    PriceEntry,
    bucket_of,
    validate_entries,
    validate_observed_at,
    validate_price,
)
from backend.errors import InvalidRequest

NOW = datetime(2026, 11, 23, 10, 2, 32, 108000, tzinfo=UTC)
MAX = Decimal(100)
POOL = "m5.large.us-east-1a"
MS = timedelta(milliseconds=1)


def check(*entries, region="us-east-1", max_price=MAX):
    return validate_entries(entries, region=region, max_price=max_price)


def entry(**changes):
    return {
        "pool_id": POOL,
        "instance_type": "m5.large",
        "az": "us-east-1a",
        "price": 0.0351,
        **changes,
    }


def test_entry_is_kept_when_it_is_good():
    good, refused = check(entry())

    assert refused == []
    assert good == [
        PriceEntry(
            pool=PoolName(instance_type="m5.large", az="us-east-1a"),
            price_usd_per_hour=Decimal("0.035100"),
        )
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"instance_type": None, "az": None},
        {"instance_type": "unknown", "az": ""},
        {"price": 1},
        {"price": Decimal("0.5")},
        {"price": 100},
        {"extra": object()},
    ],
)
def test_entry_is_kept_when_what_is_missing_is_not_needed(changes):
    good, refused = check(entry(**changes))

    assert (len(good), refused) == (1, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": 0}, "price"),
        ({"price": 0.0}, "price"),
        ({"price": -0.01}, "price"),
        ({"price": 100.000001}, "price"),
        ({"price": 10**400}, "price"),
        ({"price": math.nan}, "price"),
        ({"price": math.inf}, "price"),
        ({"price": Decimal("NaN")}, "price"),
        ({"price": 1e-9}, "price"),
        ({"price": "0.0351"}, "price"),
        ({"price": True}, "price"),
        ({"price": None}, "price"),
        ({"price": [0.1]}, "price"),
        ({"pool_id": "m5.large"}, "pool_id"),
        ({"pool_id": "m5.large.eu-west-1a", "az": "eu-west-1a"}, "pool_id"),
        ({"instance_type": "m5.xlarge"}, "instance_type"),
        ({"instance_type": 5}, "instance_type"),
        ({"az": "us-east-1b"}, "az"),
    ],
)
def test_entry_is_refused_by_name_when_a_field_is_wrong(changes, field):
    good, refused = check(entry(**changes), entry(pool_id="m5.large.us-east-1b", az="us-east-1b"))

    assert [str(it.pool) for it in good] == ["m5.large.us-east-1b"]
    assert [(it.pool_id, it.field) for it in refused] == [(changes.get("pool_id", POOL), field)]
    assert refused[0].reason


@pytest.mark.parametrize(
    "nameless", [None, 7, "m5.large.us-east-1a", [], {}, {"pool_id": 7}, {"pool_id": ""}]
)
def test_entry_is_refused_by_position_when_it_has_no_name(nameless):
    good, refused = check(entry(), nameless)

    assert len(good) == 1
    assert [(it.pool_id, it.field) for it in refused] == [("spot_pools[1]", "pool_id")]


def test_first_price_counts_when_a_pool_is_named_twice():
    good, refused = check(entry(price=0.03), entry(price=0.04))

    assert [it.price_usd_per_hour for it in good] == [Decimal("0.030000")]
    assert [(it.pool_id, it.field) for it in refused] == [(POOL, "pool_id")]


def test_refused_pool_may_come_again_with_a_good_price():
    good, refused = check(entry(price=0), entry(price=0.04))

    assert (len(good), len(refused)) == (1, 1)


def test_region_is_not_checked_when_the_reporter_does_not_know_it():
    assert len(check(entry(), region="unknown")[0]) == 1


def test_long_names_are_cut_in_the_answer():
    refused = check(entry(pool_id="x" * 10_000))[1]

    assert refused[0].pool_id == "x" * 128


def test_entries_beyond_the_limit_are_refused_by_name():
    entries = [{"pool_id": f"m{n}.large.us-east-1a", "price": 0.1} for n in range(202)]

    good, refused = check(*entries)

    assert len(good) == 200
    assert [(it.pool_id, it.field) for it in refused] == [
        ("m200.large.us-east-1a", "spot_pools"),
        ("m201.large.us-east-1a", "spot_pools"),
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "pool_id": st.sampled_from(
                    [POOL, "m5.large.us-east-1b", "c5.large.us-east-1c", "bad"]
                ),
                "price": st.one_of(
                    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)
                ),
            }
        ),
        max_size=12,
    )
)
def test_every_entry_is_kept_once_or_refused(entries):
    good, refused = check(*entries)

    assert len(good) + len(refused) == len(entries)
    assert len({str(it.pool) for it in good}) == len(good)
    assert all(0 < it.price_usd_per_hour <= MAX for it in good)
    assert all(it.price_usd_per_hour.as_tuple().exponent == -6 for it in good)


@given(st.decimals(Decimal("0.000001"), MAX, places=6))
def test_price_keeps_all_six_digits_when_it_came_as_a_float(price):
    assert validate_price(float(price), max_price=MAX) == price


@pytest.mark.parametrize("unknown", [None, 0, 0.0, -0.0, Decimal(0)])
def test_price_is_unknown_when_it_is_null_or_zero(unknown):
    assert validate_price(unknown, max_price=MAX) is None


@pytest.mark.parametrize("price", [-1, 100.5, math.nan, math.inf, "0.1", True, False, [], 1e-9])
def test_price_is_refused_with_its_range(price):
    with pytest.raises(InvalidRequest) as refused:
        validate_price(price, max_price=MAX, field="pricing.on_demand_price")

    assert refused.value.facts == {
        "field": "pricing.on_demand_price",
        "minimum": "0.000001",
        "maximum": "100",
    }
    assert "0.000001 to 100" in refused.value.message


@pytest.mark.parametrize(
    "observed",
    [NOW, NOW - timedelta(hours=24), NOW + timedelta(minutes=2), NOW - timedelta(minutes=5)],
)
def test_observation_counts_within_a_day_and_two_minutes(observed):
    assert validate_observed_at(observed, now=NOW) == observed


def test_observation_is_now_when_the_agent_does_not_say():
    assert validate_observed_at(None, now=NOW) == NOW


def test_observation_is_cut_to_milliseconds():
    assert validate_observed_at(NOW + timedelta(microseconds=999), now=NOW) == NOW


@pytest.mark.parametrize(
    "observed", [NOW - timedelta(hours=24) - MS, NOW + timedelta(minutes=2) + MS]
)
def test_observation_is_refused_with_its_range(observed):
    with pytest.raises(InvalidRequest) as refused:
        validate_observed_at(observed, now=NOW)

    assert refused.value.facts == {
        "field": "collected_at",
        "earliest": "2026-11-22T10:02:32.108000+00:00",
        "latest": "2026-11-23T10:04:32.108000+00:00",
    }


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_bucket_starts_at_most_five_minutes_before_on_the_grid(instant):
    bucket = bucket_of(instant)

    assert timedelta(0) <= instant - bucket < timedelta(minutes=5)
    assert bucket.utcoffset() == timedelta(0)
    assert (bucket.minute % 5, bucket.second, bucket.microsecond) == (0, 0, 0)


def test_bucket_of_its_own_start_is_itself():
    assert bucket_of(datetime(2026, 11, 23, 10, 5, tzinfo=UTC)) == datetime(
        2026, 11, 23, 10, 5, tzinfo=UTC
    )
