"""Another engine takes over on every node, tested first and without a restart."""

from datetime import timedelta

import pytest

from backend.config import Settings
from backend.engines.loader import EngineRefused
from backend.services.engine_choice import ENGINE_SETTING, EngineChoice, build_host
from tests.integration.jobs.rows import insert, query

pytestmark = pytest.mark.db

GOOD, BAD = "tests.engines.poison.Good", "tests.engines.poison.FailsItsTest"
DEFAULT = "decision_engines.ml_based_engine.MLBasedDecisionEngine"
LOOK = timedelta(seconds=5)


def node(database, clock, **settings):
    settings = Settings.model_validate(settings)
    host = build_host(settings, clock)
    return EngineChoice(database, clock, settings, host), host


def test_every_node_follows_a_choice_within_five_seconds(database, clock):
    nodes = [node(database, clock) for _ in range(2)]
    for choice, host in nodes:
        choice.follow()
        assert host.name == DEFAULT

    nodes[0][0].choose(GOOD, chosen_by="tests")
    clock.advance(LOOK)
    for choice, _ in nodes:
        choice.follow()

    assert [host.name for _, host in nodes] == [GOOD, GOOD]


def test_a_choice_that_fails_its_test_changes_nothing(database, clock):
    choice, host = node(database, clock)

    with pytest.raises(EngineRefused, match="self-test"):
        choice.choose(BAD, chosen_by="tests")

    clock.advance(LOOK)
    choice.follow()
    assert (choice.wanted(), host.name) == (DEFAULT, DEFAULT)


def test_a_node_that_cannot_use_the_choice_keeps_its_engine_and_says_so_once(database, clock):
    choice, host = node(database, clock)
    insert(database, "settings", name=ENGINE_SETTING, value=BAD, updated_at=clock.now())
    for _ in range(3):
        choice.follow()
        clock.advance(LOOK)

    assert host.name == DEFAULT
    events = query(
        database, "SELECT message FROM system_events WHERE event_type = 'engine_refused'"
    )
    assert len(events) == 1
    assert "self-test" in events[0]["message"]


def test_reset_goes_back_to_the_configured_engine(database, clock):
    choice, host = node(database, clock)
    for name in (GOOD, ""):
        choice.choose(name, chosen_by="tests")
        clock.advance(LOOK)
        choice.follow()

    assert host.name == DEFAULT


def test_the_rules_decide_when_engines_are_switched_off(database, clock):
    choice, host = node(database, clock, ENABLE_ML_DECISIONS="false")
    choice.choose(GOOD, chosen_by="tests")
    clock.advance(LOOK)
    choice.follow()

    assert (host.name, host.is_loaded) == (None, True)
