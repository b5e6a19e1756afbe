"""Prices: the history's meaning, the Price List's traps, and what an instance costs."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from simulator.interruptions import Style
from simulator.region.model import EndCause
from tests.simulator.conftest import CHANGED, FIRST_PRICE, SECOND_PRICE, ZONES
from tests.simulator.test_launching import code_of

RIGHT_FILTERS = {
    "instanceType": "m5.large",
    "regionCode": "eu-west-1",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}


def history(bench, **request) -> list[tuple[str, str]]:
    answer = bench.ec2.describe_spot_price_history(**request)
    return [(row["AvailabilityZone"], row["SpotPrice"]) for row in answer["SpotPriceHistory"]]


def test_history_from_now_on_answers_the_price_in_effect_for_each_zone(bench):
    rows = history(bench, StartTime=bench.clock.now(), InstanceTypes=["m5.large"])

    assert sorted(rows) == [
        (ZONES[0], f"{SECOND_PRICE}"),
        (ZONES[1], f"{FIRST_PRICE}"),
        (ZONES[2], f"{FIRST_PRICE}"),
    ]


def test_history_holds_the_row_in_effect_at_its_start(bench):
    rows = history(
        bench,
        StartTime=bench.clock.now() - timedelta(hours=5),
        InstanceTypes=["m5.large"],
        AvailabilityZone=ZONES[0],
    )

    assert rows == [(ZONES[0], f"{SECOND_PRICE}"), (ZONES[0], f"{FIRST_PRICE}")]


def test_history_ends_where_it_is_told_to(bench):
    rows = history(
        bench,
        EndTime=bench.clock.now() - CHANGED - timedelta(seconds=1),
        InstanceTypes=["m5.large"],
        AvailabilityZone=ZONES[0],
    )

    assert rows == [(ZONES[0], f"{FIRST_PRICE}")]


def test_history_comes_in_pages_newest_first_and_ends_with_an_empty_token(bench):
    token, instants, pages = "", [], 0
    while pages == 0 or token:
        page = bench.ec2.describe_spot_price_history(MaxResults=3, NextToken=token)
        instants += [row["Timestamp"] for row in page["SpotPriceHistory"]]
        token = page["NextToken"]
        pages += 1

    assert (pages, len(instants)) == (3, 7)
    assert instants == sorted(instants, reverse=True)


def test_history_knows_linux_only(bench):
    now = bench.clock.now()

    assert history(bench, StartTime=now, ProductDescriptions=["Windows"]) == []
    assert len(history(bench, StartTime=now, ProductDescriptions=["Linux/UNIX (Amazon VPC)"])) == 6
    assert code_of(bench.ec2.describe_spot_price_history, ProductDescriptions=["BeOS"]) == (
        "InvalidParameterValue"
    )


def test_price_list_answers_one_product_when_every_filter_is_right(bench):
    answer = products(bench, RIGHT_FILTERS)

    assert [price(product) for product in answer] == [Decimal("0.096")]


def test_price_list_holds_traps_when_a_filter_is_missing(bench):
    filters = {k: v for k, v in RIGHT_FILTERS.items() if k != "capacitystatus"}

    assert sorted(price(product) for product in products(bench, filters)) == [
        Decimal(0),
        Decimal(0),
        Decimal("0.096"),
    ]


def products(bench, filters: dict[str, str]) -> list[dict]:
    wanted = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in filters.items()]
    client = bench.client("pricing")
    answer = client.get_products(ServiceCode="AmazonEC2", Filters=wanted)
    return [json.loads(text) for text in answer["PriceList"]]


def price(product: dict) -> Decimal:
    term = next(iter(product["terms"]["OnDemand"].values()))
    dimension = next(iter(term["priceDimensions"].values()))
    return Decimal(dimension["pricePerUnit"]["USD"])


def test_spot_instance_costs_the_price_in_effect(bench):
    bench.launch(ZONES[1])

    bench.advance(minutes=30)

    assert bench.region.cost() == FIRST_PRICE / 2


def test_price_change_splits_the_bill(bench):
    bench.launch(ZONES[2])  # 0.03 for an hour, 0.036 afterwards

    bench.advance(hours=2)

    assert bench.region.cost() == FIRST_PRICE + SECOND_PRICE


def test_ended_instance_costs_nothing_more_and_at_least_a_minute(bench):
    name = bench.launch(InstanceMarketOptions=None)["InstanceId"]
    bench.advance(seconds=10)
    bench.ec2.terminate_instances(InstanceIds=[name])
    bench.advance(hours=5)

    assert bench.region.cost() == Decimal("0.096") / 60


@pytest.mark.parametrize(
    ("minutes", "cause", "cost"),
    [
        (59, EndCause.INTERRUPTED, Decimal(0)),
        (60, EndCause.INTERRUPTED, FIRST_PRICE),
        (30, EndCause.TERMINATED, FIRST_PRICE / 2),
    ],
)
def test_first_hour_is_free_when_ec2_interrupts(bench, minutes, cause, cost):
    name = bench.launch(ZONES[1])["InstanceId"]
    bench.advance(minutes=minutes)
    bench.region.end(name, cause)

    assert bench.region.cost() == cost


def test_interruption_goes_through_recommendation_notice_and_death(bench):
    name = bench.launch()["InstanceId"]
    bench.advance(seconds=5)
    end = bench.interruptions.order(name, Style.REBALANCE_FIRST)
    instance = bench.region.instances[name]
    notice = end - timedelta(seconds=120)

    assert (instance.rebalance_at, instance.notice_at) == (bench.clock.now(), None)
    bench.clock.advance(notice - bench.clock.now())
    bench.interruptions.tick(bench.clock.now())
    assert (instance.notice_at, instance.deadline, instance.is_live) == (notice, end, True)
    bench.clock.advance(end - bench.clock.now())
    bench.interruptions.tick(bench.clock.now())
    assert (instance.end_cause, instance.ended_at) == (EndCause.INTERRUPTED, end)


@pytest.mark.parametrize(
    ("style", "is_live", "has_rebalance", "has_notice"),
    [
        (Style.NOTICE_ONLY, True, False, True),
        (Style.TOGETHER, True, True, True),
        (Style.REBALANCE_ONLY, True, True, False),
        (Style.SILENT, False, False, False),
    ],
)
def test_interruption_tells_what_its_style_says(bench, style, is_live, has_rebalance, has_notice):
    name = bench.launch()["InstanceId"]

    bench.interruptions.order(name, style)

    instance = bench.region.instances[name]
    found = (instance.is_live, bool(instance.rebalance_at), bool(instance.notice_at))
    assert found == (is_live, has_rebalance, has_notice)


def test_pool_that_runs_dry_takes_its_instances(bench):
    doomed = [bench.launch(ZONES[2])["InstanceId"] for _ in range(30)]
    safe = bench.launch(ZONES[0])["InstanceId"]
    bench.advance(hours=1)
    bench.interruptions.tick(bench.clock.now())
    bench.advance(seconds=200)
    bench.interruptions.tick(bench.clock.now())

    live = {instance.instance_id for instance in bench.region.live()}
    assert safe in live
    assert len(live & set(doomed)) < 8  # most go, a few are spared
