"""Limits as they are stored and told, and windows over midnight."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.decision_limits import (
    DecisionLimits,
    limits_from,
    limits_to_wire,
    parse_windows,
    windows_to_wire,
)
from backend.errors import InvalidRequest

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("hours", "is_welcome"), [(21, False), (22, True), (27, True), (28, False), (46, False)]
)
def test_window_over_midnight_belongs_to_the_day_on_which_it_begins(hours, is_welcome):
    windows = parse_windows([{"days": ["mon"], "from": "22:00", "to": "04:00"}])

    assert DecisionLimits(windows=windows).is_welcome(MONDAY + hours * HOUR) is is_welcome


def test_moves_are_welcome_at_any_time_when_there_is_no_window():
    assert DecisionLimits().is_welcome(MONDAY)


def test_windows_are_read_as_they_are_written():
    wire = [{"days": ["mon", "sun"], "from": "22:30", "to": "04:00"}]

    assert windows_to_wire(parse_windows(wire)) == wire


@pytest.mark.parametrize(
    "value",
    [
        "always",
        {"from": "1"},
        ["x"],
        [{}],
        [{"from": "25:00", "to": "26:00"}],
        [{"from": "10:00", "to": "10:00"}],
        [{"days": [], "from": "10:00", "to": "11:00"}],
        [{"days": ["someday"], "from": "10:00", "to": "11:00"}],
        [{"from": "10:00", "to": "11:00"}] * 21,
    ],
)
def test_windows_that_make_no_sense_are_refused_by_name(value):
    with pytest.raises(InvalidRequest, match="maintenance_windows"):
        parse_windows(value)


def test_limits_come_back_as_they_were_told():
    wire = limits_to_wire(DecisionLimits())

    assert limits_to_wire(limits_from({**wire, "maintenance_windows": None})) == wire
