"""Prices: one question for all pools, and nothing invented."""

import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from agent.aws.ondemand_prices import OndemandPrices, agreed_price
from agent.aws.spot_prices import SpotPrices
from agent.documents import Documents


def _client(service: str):
    return boto3.client(
        service, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )


def _row(az: str, price: str, at) -> dict:
    return {"AvailabilityZone": az, "SpotPrice": price, "Timestamp": at, "InstanceType": "m5.large"}


def _product(*prices: str, unit: str = "Hrs") -> str:
    dimensions = {
        str(n): {"unit": unit, "pricePerUnit": {"USD": price}} for n, price in enumerate(prices)
    }
    return json.dumps({"terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}}})


@pytest.fixture
def price_list():
    client = _client("pricing")
    with Stubber(client) as stub:
        yield SimpleNamespace(stub=stub, session=SimpleNamespace(price_list=lambda: client))
        stub.assert_no_pending_responses()


@pytest.fixture
def ondemand(price_list, tmp_path, clock) -> OndemandPrices:
    return OndemandPrices(price_list.session, Documents(tmp_path, "i-1"), clock)


def _answers(price_list, *products: str) -> None:
    filters = {
        "instanceType": "m5.large", "regionCode": "eu-north-1", "operatingSystem": "Linux",
        "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used",
    }  # fmt: skip
    expected = {
        "ServiceCode": "AmazonEC2",
        "Filters": [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in filters.items()],
    }
    price_list.stub.add_response("get_products", {"PriceList": list(products)}, expected)


def _read(ondemand):
    return ondemand.read("m5.large", "eu-north-1", "Linux/UNIX")


def test_spot_prices_are_one_question_over_all_pages_and_the_newest_wins(clock):
    client, now = _client("ec2"), clock.now()
    asked = {
        "InstanceTypes": ["m5.large"],
        "ProductDescriptions": ["Linux/UNIX"],
        "StartTime": now,
        "MaxResults": 1000,
    }
    with Stubber(client) as stub:
        rows = [_row("a", "0.03", now - timedelta(hours=2)), _row("b", "0.05", now)]
        stub.add_response(
            "describe_spot_price_history", {"SpotPriceHistory": rows, "NextToken": "n"}, asked
        )
        rows = [
            _row("a", "0.04", now - timedelta(hours=1)),
            _row("b", "0.01", now - timedelta(days=1)),
        ]
        stub.add_response(
            "describe_spot_price_history",
            {"SpotPriceHistory": rows, "NextToken": ""},
            {**asked, "NextToken": "n"},
        )
        prices = SpotPrices(SimpleNamespace(ec2=client)).read("m5.large", "Linux/UNIX", now)
        stub.assert_no_pending_responses()

    assert prices == {"a": Decimal("0.04"), "b": Decimal("0.05")}


def test_ondemand_price_is_asked_with_the_right_filters_and_kept_a_day(ondemand, price_list, clock):
    _answers(price_list, _product("0.1020000000"))
    first = _read(ondemand)
    clock.advance(timedelta(hours=23))

    again = _read(ondemand)

    assert first == again == Decimal("0.1020000000")


def test_ondemand_price_is_asked_again_after_a_day_and_survives_a_restart(
    ondemand, price_list, clock, tmp_path
):
    _answers(price_list, _product("0.10"))
    _read(ondemand)
    clock.advance(timedelta(hours=25))
    _answers(price_list, _product("0.11"))
    _read(ondemand)

    again = OndemandPrices(price_list.session, Documents(tmp_path, "i-1"), clock)

    assert _read(again) == Decimal("0.11")


def test_ondemand_price_is_unknown_when_it_may_not_be_asked(ondemand, price_list, clock):
    price_list.stub.add_client_error("get_products", "AccessDeniedException")

    found = [_read(ondemand), _read(ondemand)]  # and it is not asked again at once

    assert found == [None, None]


def test_ondemand_price_of_another_platform_is_not_guessed(ondemand):
    assert ondemand.read("m5.large", "eu-north-1", "Windows with SQL Server") is None


@pytest.mark.parametrize(
    ("products", "price"),
    [
        ([], None),
        ([_product("0.0")], None),
        ([_product("0.1", unit="Quantity")], None),
        ([_product("0.1"), _product("0.100", "0.0")], Decimal("0.1")),
        ([_product("0.1"), _product("0.2")], None),
        (["{}"], None),
    ],
)
def test_price_is_known_only_when_all_products_agree(products, price):
    assert agreed_price(map(json.loads, products)) == price


def test_report_names_prices_pools_and_zones(rig, backend):
    rig.workers["prices"].tick()
    rig.deliver()

    pricing = backend.calls("/pricing-report")[0].body["pricing"]
    assert pricing["on_demand_price"] == 0.096
    assert pricing["on_demand_source"] == "price_list"
    assert pricing["current_spot_price"] == 0.0351
    assert pricing["cheapest_pool"] == {"pool_id": "m5.large.us-east-1b", "price": 0.0337}
    assert [pool["az"] for pool in pricing["spot_pools"]] == ["us-east-1a", "us-east-1b"]
    assert pricing["az_ids"] == {"us-east-1a": "use1-az4", "us-east-1b": "use1-az6"}


def test_report_is_not_sent_when_nothing_is_known(rig, backend):
    rig.prices._spot.answer, rig.prices._ondemand.answer = {}, None

    rig.workers["prices"].tick()

    assert len(rig.outbox) == 0
