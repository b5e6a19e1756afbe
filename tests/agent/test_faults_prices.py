"""Faults of earlier agents around prices and modes (E-1 to E-6): none of them can happen here."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from agent.aws.ondemand_prices import agreed_price
from agent.identity import read_identity
from agent.imds import Imds
from tests.fakes.agent_rig import FixedPrices, make_identity


def _pricing(agent, backend):
    agent.workers["prices"].tick()
    agent.deliver()
    return backend.calls("/pricing-report")[-1].body["pricing"]


def test_e1_reservation_without_a_price_is_not_taken_for_the_price():
    products = [
        {"terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": usd}}}}}}}
        for usd in ("0.0000000000", "0.0960000000")
    ]  # fmt: skip

    assert agreed_price(products) == Decimal("0.096")


def test_e2_unknown_price_is_reported_as_unknown(rig, backend):
    rig.prices._ondemand.answer = None

    pricing = _pricing(rig, backend)

    assert pricing["on_demand_price"] is None
    assert pricing["on_demand_source"] == "unknown"


def test_e3_one_question_serves_all_pools_of_a_report(rig, backend):
    asked = []
    rig.prices._spot.read = lambda *args: asked.append(args) or {"us-east-1a": Decimal("0.03")}

    _pricing(rig, backend)

    assert len(asked) == 1


def test_e4_ondemand_host_reports_what_spot_would_cost(make_rig, backend):
    agent = make_rig(identity=make_identity(mode="ondemand"))
    agent.sync()

    pricing = _pricing(agent, backend)

    assert pricing["cheapest_pool"]["pool_id"] == "m5.large.us-east-1b"
    assert pricing["current_spot_price"] == 0.0351


@pytest.mark.parametrize(
    ("life_cycle", "mode"),
    [
        ("spot", "spot"),
        ("on-demand", "ondemand"),
        ("scheduled", "ondemand"),
        ("capacity-block", "ondemand"),
        ("something-new", "unknown"),
    ],
)
def test_e5_mode_that_is_not_known_is_not_called_ondemand(imds, clock, life_cycle, mode):
    imds.items["meta-data/instance-life-cycle"] = life_cycle

    assert read_identity(Imds(imds.url, clock), None, None).mode == mode


def test_e6_region_is_the_instances_own(imds, clock, caplog):
    identity = read_identity(Imds(imds.url, clock), None, "ap-south-1")

    assert identity.region == "us-east-1"
    assert "ap-south-1" in caplog.text


def test_prices_that_cannot_be_read_are_not_asked_in_a_rush(rig, clock):
    rig.prices._spot = FixedPrices({})
    rig.prices._ondemand = FixedPrices(None)
    clock.advance(timedelta(hours=1))

    pause = rig.workers["prices"].attempt()

    assert pause > 200
    assert json.dumps(rig.prices.last.ondemand) == "null"
