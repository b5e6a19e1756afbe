"""Whatever an engine does, there is an answer, and it says who gave it."""

from datetime import timedelta
from pathlib import Path

import pytest

from backend.engines.host import EngineHost, Source
from backend.engines.loader import EngineRefused, load_engine
from decision_engines.contract import Action
from tests.engines.poison import GATE
from tests.fakes.market import on_demand, pool

POISON = "tests.engines.poison"
INPUTS = [on_demand(pool(), agent_id=f"agent-{number}") for number in range(3)]


@pytest.fixture
def host(clock):
    GATE.clear()
    yield EngineHost(clock, models_dir=Path("models"), base_timeout_seconds=0.2)
    GATE.set()


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("Raises", "the model file is gone"),
        ("Exits", "tried to end the process"),
        ("Hangs", "no answer within"),
        ("AnswersNone", "not a list"),
        ("AnswersTooFew", "2 decisions for 3 inputs"),
        ("Unable", "no model is live"),
        ("NanRisk", "risk is nan"),
        ("RiskOfTwo", "risk is 2"),
        ("TextRisk", "not a number"),
        ("InfiniteSaving", "expected_saving"),
        ("UnknownPool", "was not offered"),
        ("NoPool", "was not offered"),
        ("UnknownAlternative", "was not offered"),
        ("UnknownAction", "is no Action"),
        ("NoReason", "reasons"),
        ("OtherAgent", "another agent"),
        ("Dictionaries", "not a Decision"),
        ("HalfACharacter", "a reason has"),
        ("RaisesHalfACharacter", "OSError: ?"),
        ("LongName", "name must be"),
        ("StrangeParameters", "parameters must be"),
    ],
)
def test_rules_answer_for_an_engine_that_fails(host, name, cause):
    host.use(f"{POISON}.{name}")

    answers = host.decide(INPUTS)

    assert [answer.source for answer in answers] == [Source.FALLBACK] * 3
    assert all(cause in answer.cause for answer in answers)
    assert {answer.decision.action for answer in answers} == {Action.SWITCH_SPOT}
    assert {answer.engine.name for answer in answers} == {"rule_based"}


def test_numbers_of_libraries_become_plain_ones(host):
    host.use(f"{POISON}.OwnFloats")

    answer = host.decide(INPUTS)[0]

    assert (answer.source, type(answer.decision.risk)) == (Source.ENGINE, float)


def test_rules_answer_only_for_the_agent_that_got_nonsense(host):
    host.use(f"{POISON}.OneBadAnswer")

    sources = [answer.source for answer in host.decide(INPUTS)]

    assert sources == [Source.FALLBACK, Source.ENGINE, Source.ENGINE]


def test_three_failures_open_the_breaker_and_a_rest_closes_it_for_a_trial(host, clock):
    host.use(f"{POISON}.Raises")
    for _ in range(3):
        host.decide(INPUTS)

    assert host.is_resting
    assert "rests" in host.decide(INPUTS)[0].cause
    clock.advance(timedelta(seconds=61))
    assert "the model file is gone" in host.decide(INPUTS)[0].cause
    assert host.is_resting


def test_saying_that_one_cannot_is_no_failure(host):
    host.use(f"{POISON}.Unable")
    for _ in range(5):
        host.decide(INPUTS)

    assert not host.is_resting


def test_a_hanging_engine_holds_one_thread_only(host):
    host.use(f"{POISON}.Hangs")

    causes = [host.decide(INPUTS)[0].cause for _ in range(2)]

    assert "no answer within" in causes[0]
    assert "still busy" in causes[1]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("poison.FailsItsTest", "self-test"),
        ("poison.FailsToStart", "construction"),
        ("poison.NoEngine", "construction"),
        ("poison.NewerContract", "info"),
        ("poison.WantsTheDatabase", "construction"),
        ("poison.Missing", "import"),
        ("nowhere.Missing", "import"),
        ("legacy.Speechless", "self-test"),
    ],
)
def test_a_refused_engine_leaves_the_present_one_deciding(host, name, step):
    host.use(f"{POISON}.Good")

    with pytest.raises(EngineRefused, match=step):
        host.use(f"tests.engines.{name}")

    assert host.name == f"{POISON}.Good"
    assert host.decide(INPUTS)[0].source is Source.ENGINE
    assert step in host.refusal


def test_rules_answer_marked_when_no_engine_could_be_loaded(host):
    with pytest.raises(EngineRefused):
        host.use(f"{POISON}.FailsItsTest")

    answer = host.decide(INPUTS)[0]

    assert (answer.source, host.is_loaded) == (Source.FALLBACK, False)
    assert "division by zero" in answer.cause


def test_rules_decide_unmarked_when_engines_are_switched_off(clock):
    host = EngineHost(clock, models_dir=Path("models"), is_enabled=False)
    host.use(f"{POISON}.Raises")

    answer = host.decide(INPUTS)[0]

    assert (answer.source, answer.cause, host.name) == (Source.RULES, None, None)
    assert host.is_loaded


def test_nobody_is_asked_about_nobody(host):
    assert host.decide([]) == []


@pytest.mark.parametrize(
    ("name", "action"), [("Positions", Action.SWITCH_SPOT), ("Keywords", Action.STAY)]
)
def test_engines_of_the_older_contract_decide(host, name, action):
    host.use(f"tests.engines.legacy.{name}")

    answer = host.decide([on_demand(pool(price="0.04"))])[0]

    assert (answer.source, answer.decision.action) == (Source.ENGINE, action)
    assert answer.engine.name == f"legacy:{name}"


def test_older_engines_are_handed_no_database():
    engine = load_engine(
        "tests.engines.legacy.Keywords", models_dir=Path("models"), hazard_model=None
    )

    assert engine.info().version == "1.0.0"
