"""Small emergencies with the real agent, backend and database; full sizes: make drills."""

import pytest

from simulator.drills.run import run_drill

pytestmark = pytest.mark.e2e


def test_every_agent_is_saved_when_its_standby_is_ready():
    outcome = run_drill("termination", agents=2, light=8, seed=4)

    assert outcome.broken == []
    assert outcome.figures["event_outcomes"] == {"termination-notice: failed_over": 10}
    assert outcome.figures["promoted"] == 10
    assert outcome.figures["notice_to_committed"]["p99"] < 8
    assert outcome.figures["notice_to_traffic"]["p99"] < 30


def test_every_agent_gets_one_replacement_when_nobody_has_a_standby():
    outcome = run_drill("storm-alone", agents=2, light=8, seed=4)

    assert outcome.broken == []
    assert outcome.figures["launched"] == outcome.figures["promoted"] == 10


def test_fleet_converges_when_the_backend_is_killed_while_it_promotes():
    outcome = run_drill("backend-crash", agents=1, light=9, seed=4)

    assert outcome.broken == []
    assert outcome.figures["converged_seconds"] < 60


def test_repeated_and_late_messages_change_nothing():
    outcome = run_drill("duplicates", agents=1, light=9, seed=4)

    assert outcome.broken == []
