"""How values read on a page."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.dashboard.words import ago, dash, price


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "now"),
        (0, "now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_instant_reads_as_its_age(clock, seconds, text):
    now = clock.now()

    assert ago(now - timedelta(seconds=seconds), now) == text


def test_nothing_reads_as_never_or_a_dash(clock):
    assert ago(None, clock.now()) == "never"
    assert price(None) == dash(None) == dash("") == "\u2013"


def test_price_has_four_digits():
    assert price(Decimal("0.034567")) == "$0.0346"


def test_zero_is_a_value():
    assert dash(0) == 0
