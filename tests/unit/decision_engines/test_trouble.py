"""What a pool's past says: calm, longest calm, troubled hours."""

from datetime import UTC, datetime, timedelta

import pytest

from decision_engines.trouble import DAY, REMEMBERED, UNTROUBLED, TroubleLog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def log_of(*hours_ago: float) -> TroubleLog:
    log = TroubleLog()
    for hours in hours_ago:
        log.add(NOON - HOUR * hours)
    return log


def test_pool_is_calm_when_nothing_is_known():
    assert TroubleLog().at(NOON) == UNTROUBLED


def test_calm_is_the_time_since_the_last_trouble():
    assert log_of(5, 2).at(NOON).calm == 2 * HOUR
    assert log_of(2).at(NOON + REMEMBERED).calm == REMEMBERED


def test_longest_calm_reaches_into_the_last_day():
    assert log_of(9, 2).at(NOON).longest_calm == 7 * HOUR
    assert log_of(50, 30, 20, 19).at(NOON).longest_calm == 19 * HOUR
    assert log_of(60, 20, 19).at(NOON).longest_calm == DAY  # 40 hours, cut


def test_calm_before_the_oldest_known_trouble_counts_for_nothing():
    assert log_of(3).at(NOON).longest_calm == 3 * HOUR


def test_troubled_hours_are_counted_once_each():
    assert log_of(2.5, 2.4, 2.3).at(NOON).troubled_share == pytest.approx(1 / 24)
    assert log_of(30, 2.5, 0).at(NOON).troubled_share == pytest.approx(2 / 24)


@pytest.mark.parametrize("minutes", [1, 5, 10])
def test_spell_is_the_same_however_often_it_is_asked(minutes):
    often = TroubleLog()
    for minute in range(0, 121, minutes):
        often.add(NOON - 4 * HOUR + timedelta(minutes=minute))

    told = often.at(NOON)

    assert told.calm == 2 * HOUR
    assert told.troubled_share == pytest.approx(3 / 24)


def test_log_is_bounded():
    log = TroubleLog()
    for hour in range(2000):
        log.add(NOON + hour * HOUR)

    assert len(log._spells) <= REMEMBERED / HOUR + 1


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="came first"):
        log_of(1, 2)
