"""Which pools qualify, in which order, and what happens in a storm."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sef.pools import (
    CooldownReason,
    Need,
    PoolOption,
    Preference,
    Refusal,
    rank_pools,
    spread,
)
from tests.fakes.clock import START

MINUTE = timedelta(minutes=1)


def option(az="b", price="0.04", risk=0.01, kind="m5.large", number=1, **over) -> PoolOption:
    values = {
        "pool_number": number,
        "region": "eu-west-1",
        "instance_type": kind,
        "az": f"eu-west-1{az}",
        "price": Decimal(price),
        "price_at": START,
        "risk": risk,
    }
    return PoolOption(**(values | over))


def need(**over) -> Need:
    values = {
        "region": "eu-west-1",
        "instance_types": ("m5.large", "m5a.large"),
        "own_pools": frozenset({"m5.large.eu-west-1a"}),
        "own_az": "eu-west-1a",
        "ondemand_price": Decimal("0.1"),
    }
    return Need(**(values | over))


def names(choices) -> list[str]:
    return [choice.pool.name if choice.pool else "ondemand" for choice in choices]


def ranked(*options, **over) -> list[str]:
    return names(rank_pools(options, need(**over), now=START).choices)


options = st.lists(
    st.builds(
        option,
        az=st.sampled_from("abcd"),
        price=st.sampled_from(["0.01", "0.04", "0.05", "0.1", "0.2"]),
        risk=st.floats(0, 1),
        kind=st.sampled_from(["m5.large", "m5a.large", "c5.large"]),
        number=st.integers(1, 99),
        region=st.sampled_from(["eu-west-1", "us-east-1"]),
        price_at=st.integers(0, 60).map(lambda n: START - MINUTE * n),
        cooling_until=st.none() | st.integers(-9, 9).map(lambda n: START + MINUTE * n),
    ),
    max_size=8,
    unique_by=lambda o: o.name,
)
needs = st.builds(
    need,
    needs_same_az=st.booleans(),
    is_emergency=st.booleans(),
    preference=st.sampled_from(Preference),
    ondemand_price=st.sampled_from([None, Decimal("0.1")]),
)


@pytest.mark.parametrize(
    ("pool", "over", "refusal"),
    [
        (option("a"), {}, Refusal.OWN_POOL),
        (option(region="us-east-1"), {}, Refusal.OTHER_REGION),
        (option(kind="c5.large"), {}, Refusal.OTHER_TYPE),
        (option("b"), {"needs_same_az": True}, Refusal.OTHER_AZ),
        (option(price="0.1"), {}, Refusal.NO_SAVING),
        (option(price_at=START - MINUTE * 16), {}, Refusal.STALE_PRICE),
        (option(cooling_until=START + MINUTE), {}, Refusal.COOLING),
        (option(risk=0.31), {}, Refusal.RISKY),
    ],
)
def test_pool_is_refused_with_its_reason(pool, over, refusal):
    ranking = rank_pools([pool], need(**over), now=START)

    assert ranking.refused == ((pool, refusal),)
    assert names(ranking.choices) == ["ondemand"]
    assert "none of 1 known pools qualifies" in ranking.choices[-1].reasons[0]


def test_safest_goes_by_risk_band_then_zone_then_price():
    order = ranked(
        option("b", "0.03", risk=0.10),
        option("c", "0.05", risk=0.015),
        option("d", "0.04", risk=0.005),
        option("a", "0.01", risk=0.001, kind="m5a.large"),
    )

    assert order == [
        "m5.large.eu-west-1d",
        "m5.large.eu-west-1c",
        "m5a.large.eu-west-1a",
        "m5.large.eu-west-1b",
        "ondemand",
    ]


def test_cheapest_goes_by_price_among_acceptable_risks():
    order = ranked(
        option("b", "0.03", risk=0.10),
        option("c", "0.05", risk=0.015),
        option("d", "0.02", risk=0.31),
        preference=Preference.CHEAPEST,
    )

    assert order == ["m5.large.eu-west-1b", "m5.large.eu-west-1c", "ondemand"]


def test_cut_over_in_one_zone_finds_another_type_there():
    assert ranked(option("b"), option("a", kind="m5a.large"), needs_same_az=True) == [
        "m5a.large.eu-west-1a",
        "ondemand",
    ]


def test_emergency_puts_doubtful_pools_last_but_keeps_them():
    ranking = rank_pools(
        [
            option("b", cooling_until=START + MINUTE),
            option("c", risk=0.9, price_at=START - MINUTE * 60),
            option("d", "0.09", risk=0.2),
        ],
        need(is_emergency=True),
        now=START,
    )

    assert names(ranking.choices) == [
        "m5.large.eu-west-1d",
        "m5.large.eu-west-1b",
        "m5.large.eu-west-1c",
        "ondemand",
    ]
    assert "in an emergency in spite of cooling_down" in ranking.choices[1].reasons


def test_reasons_tell_risk_price_saving_and_zone():
    (choice, _) = rank_pools([option()], need(), now=START).choices

    assert choice.reasons == (
        "risk 1.0% within an hour, 0.04 USD/h",
        "saves 60% of on-demand",
        "another zone",
    )


@given(options, needs)
def test_ondemand_is_always_there_and_always_last(known, wanted):
    ranking = rank_pools(known, wanted, now=START)

    assert [c.pool for c in ranking.choices].count(None) == 1
    assert ranking.choices[-1].pool is None
    assert len(ranking.spot) + len(ranking.refused) == len(known)


@given(options, needs)
def test_own_pool_other_region_and_dear_pools_are_never_chosen(known, wanted):
    for pool in rank_pools(known, wanted, now=START).spot:
        assert pool.name not in wanted.own_pools
        assert pool.region == wanted.region
        assert wanted.ondemand_price is None or pool.price < wanted.ondemand_price
        assert not wanted.needs_same_az or pool.az == wanted.own_az


@given(options, needs, st.randoms(use_true_random=False))
def test_order_of_the_options_does_not_matter(known, wanted, chance):
    shuffled = list(known)
    chance.shuffle(shuffled)

    assert rank_pools(known, wanted, now=START) == rank_pools(shuffled, wanted, now=START)


@given(options, needs, st.integers(0, 2000))
def test_spread_tries_the_same_places_with_ondemand_last(known, wanted, position):
    ranking = rank_pools(known, wanted, now=START)
    choices = spread(ranking, position)

    assert sorted(names(choices)) == sorted(names(ranking.choices))
    assert choices[-1].pool is None


def test_storm_is_shared_evenly_by_pools_of_the_best_band():
    ranking = rank_pools(
        [option("b"), option("c", "0.05"), option("d", risk=0.2)], need(), now=START
    )
    first = [spread(ranking, n)[0].pool.az for n in range(1000)]

    assert {az: first.count(az) for az in set(first)} == {"eu-west-1b": 500, "eu-west-1c": 500}


@pytest.mark.parametrize(
    ("reason", "minutes"),
    [
        (CooldownReason.CAPACITY, 3),
        (CooldownReason.INTERRUPTION, 30),
        (CooldownReason.REBALANCE, 0),
    ],
)
def test_pools_rest_as_long_as_their_trouble_asks(reason, minutes):
    assert reason.duration == MINUTE * minutes
