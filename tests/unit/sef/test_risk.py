"""The chance of a loss within an hour: what moves it, and where it ends."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sef.risk import (
    PoolFacts,
    Recommendation,
    count_incidents,
    decayed_count,
    hazard_per_hour,
    price_pressure,
    recommend,
    risk_of,
)
from tests.fakes.clock import START

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

facts = st.builds(
    PoolFacts,
    age=st.none() | st.floats(0, 2000).map(lambda hours: HOUR * hours),
    decayed_losses=st.floats(0, 50),
    decayed_capacity_errors=st.floats(0, 50),
    price_ratio=st.none() | st.floats(0, 20),
    volatility=st.none() | st.floats(0, 10),
)


def after(hours: float, losses: float = 1.0) -> float:
    return risk_of(PoolFacts(age=HOUR * hours, decayed_losses=losses))


@given(facts)
def test_risk_is_a_probability(known):
    assert 0 <= risk_of(known) <= 1
    assert math.isfinite(hazard_per_hour(known))


@given(facts, st.floats(0, 100))
def test_risk_never_falls_when_things_get_worse(known, more):
    changes = [
        {"decayed_losses": known.decayed_losses + more},
        {"decayed_capacity_errors": known.decayed_capacity_errors + more},
        {"price_ratio": (known.price_ratio or 0) + more},
        {"volatility": (known.volatility or 0) + more},
    ]
    if known.age is not None:
        changes.append({"age": max(known.age - HOUR * more, timedelta(0))})
    values = {name: getattr(known, name) for name in PoolFacts.__slots__}

    assert all(risk_of(PoolFacts(**values | change)) >= risk_of(known) for change in changes)


@pytest.mark.parametrize(
    ("hours", "low", "high"), [(0.1, 0.5, 0.9), (2.5, 0.1, 0.3), (14, 0.02, 0.08), (240, 0, 0.01)]
)
def test_risk_after_a_loss_is_near_what_was_measured(hours, low, high):
    assert low <= after(hours) <= high


def test_pool_without_a_known_loss_is_at_least_as_safe_as_any_other():
    quiet = risk_of(PoolFacts())

    assert quiet < after(24 * 29, losses=0.05)
    assert 0 < quiet < 0.001


def test_price_at_ondemand_is_a_sign_of_scarcity():
    assert risk_of(PoolFacts(price_ratio=1.0)) > 10 * risk_of(PoolFacts(price_ratio=0.4))


def test_capacity_error_puts_a_quiet_pool_in_doubt():
    assert recommend(risk_of(PoolFacts(decayed_capacity_errors=1.1))) is Recommendation.CAUTION


@pytest.mark.parametrize(
    ("ratio", "pressure"), [(None, 0), (0.3, 0), (0.5, 0), (0.75, 0.5), (1, 1), (3, 1)]
)
def test_price_pressure_lies_between_half_and_full_price(ratio, pressure):
    assert price_pressure(ratio) == pytest.approx(pressure)


@pytest.mark.parametrize(
    ("risk", "word"),
    [(0, "safe"), (0.0499, "safe"), (0.05, "caution"), (0.3, "avoid"), (1, "avoid")],
)
def test_risk_is_put_into_words(risk, word):
    assert recommend(risk) == word


def test_losses_fade():
    instants = [START, START - DAY * 7, START - DAY * 14]

    assert decayed_count(instants, now=START, half_life=DAY * 7) == pytest.approx(1.75)


class TestIncidents:
    def test_losses_of_one_half_hour_are_one_incident(self):
        losses = {"a": [START - MINUTE * 20, START - MINUTE * 10, START - HOUR * 3]}

        assert count_incidents("a", losses, now=START) == [
            START - HOUR * 3,
            START - MINUTE * 10,
        ]

    def test_another_client_alone_is_not_counted(self):
        assert count_incidents("a", {"b": [START - HOUR]}, now=START) == []

    def test_two_other_clients_are(self):
        losses = {"b": [START - HOUR], "c": [START - HOUR + MINUTE]}

        assert count_incidents("a", losses, now=START) == [START - HOUR + MINUTE]

    def test_what_is_old_or_to_come_does_not_count(self):
        losses = {"a": [START - DAY * 30, START + MINUTE]}

        assert count_incidents("a", losses, now=START) == []
