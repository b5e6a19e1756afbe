"""The timings and prices below are those of the recorded messages of each dialect."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backend.domain.modes import Mode
from backend.domain.switch_reports import (
    SwitchPrices,
    SwitchTiming,
    parse_prices,
    parse_timing,
    savings_impact,
)
from backend.errors import InvalidRequest

MAX = Decimal(100)


def at(second, ms):
    return datetime(2026, 11, 23, 10, 4, second, ms * 1000, tzinfo=UTC)


def test_timing_of_agent_4_is_read():
    report = {
        "timing": {
            "switch_initiated_at": "2026-11-23T10:04:50.000548+00:00",
            "new_instance_launched_at": "2026-11-23T10:04:50.019149+00:00",
            "new_instance_ready_at": "2026-11-23T10:04:50.030638+00:00",
            "traffic_switched_at": "2026-11-23T10:04:52.037912+00:00",
        }
    }

    assert parse_timing(report) == SwitchTiming(
        initiated_at=at(50, 0), launched_at=at(50, 19), ready_at=at(50, 30), cut_over_at=at(52, 37)
    )


def test_timing_of_agent_v2_is_read():
    report = {
        "timing": {
            "switch_initiated_at": "2026-11-23T10:04:33.145725Z",
            "snapshot_created_at": None,
            "ami_created_at": "2026-11-23T10:04:33.182082Z",
            "new_instance_launched_at": "2026-11-23T10:04:33.199983Z",
            "new_instance_ready_at": "2026-11-23T10:04:33.214020Z",
            "traffic_switched_at": "2026-11-23T10:04:35.221115Z",
            "old_instance_terminated_at": None,
        }
    }

    assert parse_timing(report) == SwitchTiming(
        initiated_at=at(33, 145),
        image_created_at=at(33, 182),
        launched_at=at(33, 199),
        ready_at=at(33, 214),
        cut_over_at=at(35, 221),
    )


def test_timing_of_agent_3_is_read():
    report = {
        "timing": {
            "switch_initiated_at": "2026-11-23T10:04:16.464334Z",
            "new_instance_ready_at": "2026-11-23T10:04:16.546667Z",
            "traffic_switched_at": "2026-11-23T10:04:18.557387Z",
            "old_instance_terminated_at": "2026-11-23T10:04:59.000001Z",
        }
    }

    assert parse_timing(report) == SwitchTiming(
        initiated_at=at(16, 464),
        ready_at=at(16, 546),
        cut_over_at=at(18, 557),
        old_terminated_at=at(59, 0),
    )


def test_timing_in_short_names_is_read():
    report = {
        "timing": {
            "initiated_at": "2026-11-23T10:04:01",
            "ami_created_at": "2026-11-23T10:04:02",
            "instance_launched_at": "2026-11-23T10:04:03",
            "instance_ready_at": "2026-11-23T10:04:04",
            "cut_over_at": "2026-11-23T10:04:05",
            "old_terminated_at": "2026-11-23T10:04:06",
        }
    }

    assert parse_timing(report) == SwitchTiming(
        initiated_at=at(1, 0),
        image_created_at=at(2, 0),
        launched_at=at(3, 0),
        ready_at=at(4, 0),
        cut_over_at=at(5, 0),
        old_terminated_at=at(6, 0),
    )


def test_short_name_counts_when_the_long_one_is_null():
    timing = {"switch_initiated_at": None, "initiated_at": "2026-11-23T10:04:01Z"}

    assert parse_timing({"timing": timing}).initiated_at == at(1, 0)


@pytest.mark.parametrize(
    "report", [{}, {"timing": None}, {"timing": {}}, {"timing": {"initiated_at": ""}}]
)
def test_timing_is_empty_when_nothing_was_reported(report):
    assert parse_timing(report) == SwitchTiming()


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({"timing": []}, "timing"),
        ({"timing": {"initiated_at": 5}}, "timing.initiated_at"),
        ({"timing": {"traffic_switched_at": "soon"}}, "timing.traffic_switched_at"),
    ],
)
def test_timing_is_refused_by_name_when_it_is_not_readable(report, field):
    with pytest.raises(InvalidRequest) as refused:
        parse_timing(report)

    assert refused.value.facts["field"] == field


@pytest.mark.parametrize(
    "report",
    [
        {"prices": {"on_demand": 0.096, "old_spot": 0.0351, "new_spot": 0.0337}},
        {"pricing": {"ondemand": 0.096, "old_spot": 0.0351, "new_spot": 0.0337}},
        {
            "prices": {"on_demand": 0.096, "old_spot": 0.0351, "new_spot": 0.0337},
            "pricing": {"on_demand": 0.5, "old_spot": 0.5, "new_spot": 0.5},
        },
    ],
)
def test_prices_are_read_in_either_spelling(report):
    assert parse_prices(report, max_price=MAX) == SwitchPrices(
        ondemand=Decimal("0.096"), old_spot=Decimal("0.0351"), new_spot=Decimal("0.0337")
    )


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"prices": None},
        {"prices": {}},
        {"prices": {"on_demand": 0.0, "old_spot": None, "new_spot": 0.0}},
        {"pricing": {"on_demand": 101, "new_spot": 1e9}},
    ],
)
def test_prices_are_unknown_when_null_zero_absent_or_beyond_belief(report):
    assert parse_prices(report, max_price=MAX) == SwitchPrices()


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({"prices": [1]}, "prices"),
        ({"pricing": "cheap"}, "pricing"),
        ({"prices": {"old_spot": -1}}, "prices.old_spot"),
        ({"pricing": {"on_demand": "0.1"}}, "pricing.on_demand"),
    ],
)
def test_prices_are_refused_by_name_when_out_of_range(report, field):
    with pytest.raises(InvalidRequest) as refused:
        parse_prices(report, max_price=MAX)

    assert refused.value.facts["field"] == field


ALL = SwitchPrices(
    ondemand=Decimal("0.096"), old_spot=Decimal("0.0351"), new_spot=Decimal("0.0337")
)


@pytest.mark.parametrize(
    ("prices", "old", "new", "impact"),
    [
        (ALL, Mode.SPOT, Mode.SPOT, "0.0014"),
        (ALL, Mode.ONDEMAND, Mode.SPOT, "0.0623"),
        (ALL, Mode.SPOT, Mode.ONDEMAND, "-0.0609"),
        (ALL, Mode.ONDEMAND, Mode.ONDEMAND, "0"),
        (ALL, Mode.UNKNOWN, Mode.SPOT, None),
        (ALL, Mode.SPOT, Mode.UNKNOWN, None),
        (SwitchPrices(ondemand=Decimal(1)), Mode.SPOT, Mode.ONDEMAND, None),
        (SwitchPrices(ondemand=Decimal(1)), Mode.ONDEMAND, Mode.SPOT, None),
        (SwitchPrices(old_spot=Decimal(1)), Mode.SPOT, Mode.ONDEMAND, None),
        (SwitchPrices(), Mode.ONDEMAND, Mode.ONDEMAND, None),
    ],
)
def test_savings_are_what_the_old_place_cost_more(prices, old, new, impact):
    assert savings_impact(prices, old, new) == (None if impact is None else Decimal(impact))
