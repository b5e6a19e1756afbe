"""When agents are asked about a long gap, and when nobody is asked any more."""

from datetime import timedelta

import pytest

from backend.sef.gaps import GAP_MACHINE, Ask, GapOutcome, GapStatus, GiveUp, plan_ask
from tests.fakes.clock import START

DAY = timedelta(days=1)


@pytest.mark.parametrize(("ask_count", "minutes"), [(0, 15), (1, 60), (2, 240), (3, 960)], ids=str)
def test_waits_grow_from_ask_to_ask(ask_count, minutes):
    plan = plan_ask(ask_count=ask_count, last_point_at=START - DAY, now=START)

    assert plan == Ask(START + timedelta(minutes=minutes))


def test_fifth_ask_is_none():
    plan = plan_ask(ask_count=4, last_point_at=START - DAY, now=START)

    assert plan == GiveUp(GapOutcome.NO_ANSWER)


def test_gap_that_the_api_does_not_reach_is_given_up():
    old = START - DAY * 90

    assert isinstance(plan_ask(ask_count=0, last_point_at=old, now=START), Ask)
    assert plan_ask(ask_count=0, last_point_at=old - timedelta(seconds=1), now=START) == GiveUp(
        GapOutcome.TOO_OLD
    )


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        (GapStatus.OPEN, {GapStatus.ASKED, GapStatus.CLOSED, GapStatus.ABANDONED}),
        (GapStatus.ASKED, {GapStatus.CLOSED, GapStatus.ABANDONED}),
        (GapStatus.CLOSED, {GapStatus.OPEN}),
        (GapStatus.ABANDONED, {GapStatus.CLOSED}),
    ],
)
def test_gap_takes_the_legal_steps_only(source, targets):
    assert {target for target in GapStatus if GAP_MACHINE.can(source, target)} == targets
