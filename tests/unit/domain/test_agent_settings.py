from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.agent_config import AgentConfig
from backend.domain.agent_settings import (
    ENDED,
    SettingsWish,
    applied,
    differences,
    shown_wait_minutes,
)

AUTO = AgentConfig()
MANUAL = AgentConfig(auto_switch_enabled=False, manual_replica_enabled=True)
NEITHER = AgentConfig(auto_switch_enabled=False)
FLAGS = st.sampled_from([None, True, False])


def _modes(config: AgentConfig) -> tuple[bool, bool]:
    return config.auto_switch_enabled, config.manual_replica_enabled


def test_wish_for_nothing_changes_nothing():
    assert applied(AUTO, SettingsWish()) == AUTO


def test_wish_for_what_holds_already_keeps_the_version():
    assert applied(AUTO, SettingsWish(enabled=True, risk_threshold=Decimal("0.3"))).version == 1


def test_change_is_one_version():
    after = applied(AUTO, SettingsWish(enabled=False, replica_count=2))

    assert (after.version, after.enabled, after.replica_count) == (2, False, 2)


@pytest.mark.parametrize(
    ("before", "auto", "manual", "after"),
    [
        (AUTO, True, True, (False, True)),
        (MANUAL, True, True, (True, False)),
        (NEITHER, True, True, (False, True)),
        (AUTO, None, True, (False, True)),
        (MANUAL, True, None, (True, False)),
        (AUTO, False, None, (False, False)),
        (MANUAL, None, False, (False, False)),
        (AUTO, None, False, (True, False)),
    ],
)
def test_one_mode_ends_the_other(before, auto, manual, after):
    wish = SettingsWish(auto_switch_enabled=auto, manual_replica_enabled=manual)

    assert _modes(applied(before, wish)) == after


@given(before=st.sampled_from([AUTO, MANUAL, NEITHER]), auto=FLAGS, manual=FLAGS)
def test_both_modes_never_hold_at_once(before, auto, manual):
    wish = SettingsWish(auto_switch_enabled=auto, manual_replica_enabled=manual)

    assert _modes(applied(before, wish)) != (True, True)


def test_ending_turns_everything_off():
    after = applied(AUTO, ENDED)

    assert (after.enabled, *_modes(after)) == (False, False, False)


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 5), (300, 5), (90, 1), (59, 0), (86400, 1440)]
)
def test_wait_is_shown_in_whole_minutes(seconds, minutes):
    assert shown_wait_minutes(replace(AUTO, terminate_wait_seconds=seconds)) == minutes
    assert shown_wait_minutes({"terminate_wait_seconds": seconds}) == minutes


@given(seconds=st.integers(0, 86_400))
def test_saving_what_was_shown_keeps_the_seconds(seconds):
    before = replace(AUTO, terminate_wait_seconds=seconds)

    after = applied(before, SettingsWish(terminate_wait_minutes=shown_wait_minutes(before)))

    assert after == before


def test_other_minutes_are_taken_and_seconds_win():
    assert applied(AUTO, SettingsWish(terminate_wait_minutes=7)).terminate_wait_seconds == 420
    both = SettingsWish(terminate_wait_minutes=7, terminate_wait_seconds=10)
    assert applied(AUTO, both).terminate_wait_seconds == 10


def test_differences_are_json_values_without_the_version():
    after = applied(AUTO, SettingsWish(risk_threshold=Decimal("0.5"), enabled=False))

    assert differences(AUTO, after) == {
        "enabled": {"before": True, "after": False},
        "risk_threshold": {"before": 0.3, "after": 0.5},
    }
