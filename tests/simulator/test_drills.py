"""Small drills with the real agent, backend and database."""

import pytest

from simulator.drills.run import run_drill

pytestmark = pytest.mark.e2e


def test_every_switch_succeeds_when_nothing_is_in_its_way():
    outcome = run_drill("switch", agents=3, seed=4)

    assert outcome.broken == []
    assert outcome.figures["succeeded"] == outcome.figures["switches"] == 3
    assert outcome.figures["launched"] == 3


def test_switches_survive_crashes_of_both_sides():
    outcome = run_drill("switch-crash", agents=3, seed=4)

    assert outcome.broken == []
    assert outcome.figures["succeeded"] + outcome.figures["failed"] == 3


def test_clone_becomes_a_candidate():
    outcome = run_drill("clone", agents=3, seed=4)

    assert outcome.broken == []
