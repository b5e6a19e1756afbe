"""Engines that break their promise, each in its own way, and good ones to tell them from."""

import threading
from dataclasses import replace

from decision_engines.contract import Action, CannotDecide, Decision, EngineInfo
from decision_engines.rule_based_engine import RuleBasedEngine

GATE = threading.Event()  # a test opens it to let a hanging engine end


class Good(RuleBasedEngine):
    """Always stays, says so, and counts how often it was asked."""

    def __init__(self):
        self.calls = 0

    def decide(self, inputs):
        self.calls += 1
        return [stay(given) for given in inputs]

    def info(self):
        return EngineInfo(name="good", version="1")


def stay(given) -> Decision:
    return Decision(agent_id=given.agent_id, action=Action.STAY, risk=0.1, reasons=("so it is",))


class _PassesTheTest(Good):
    """Behaves during the self-test (three calls), then shows what it is."""

    def decide(self, inputs):
        answers = super().decide(inputs)
        return answers if self.calls <= 3 else self.misbehave(inputs, answers)

    def misbehave(self, inputs, answers):
        raise NotImplementedError


class Raises(_PassesTheTest):
    def misbehave(self, inputs, answers):
        raise RuntimeError("the model file is gone")


class Exits(_PassesTheTest):
    def misbehave(self, inputs, answers):
        raise SystemExit(1)


class Hangs(_PassesTheTest):
    def misbehave(self, inputs, answers):
        GATE.wait(20)
        return answers


class AnswersNone(_PassesTheTest):
    def misbehave(self, inputs, answers):
        return None


class AnswersTooFew(_PassesTheTest):
    def misbehave(self, inputs, answers):
        return answers[1:]


class Unable(_PassesTheTest):
    def misbehave(self, inputs, answers):
        raise CannotDecide("no model is live")


class _Alters(_PassesTheTest):
    changes: dict = {}

    def misbehave(self, inputs, answers):
        return [replace(answer, **self.changes) for answer in answers]


class NanRisk(_Alters):
    changes = {"risk": float("nan")}


class RiskOfTwo(_Alters):
    changes = {"risk": 2}


class TextRisk(_Alters):
    changes = {"risk": "high"}


class InfiniteSaving(_Alters):
    changes = {"expected_saving_usd_per_hour": float("inf")}


class UnknownPool(_Alters):
    changes = {"action": Action.SWITCH_SPOT, "target_pool_id": "m5.large.mars-north-1a"}


class NoPool(_Alters):
    changes = {"action": Action.SWITCH_SPOT}


class UnknownAlternative(_Alters):
    changes = {
        "action": Action.SWITCH_SPOT,
        "target_pool_id": "m5.large.us-east-1b",
        "alternatives": ("m5.large.mars-north-1a",),
    }


class UnknownAction(_Alters):
    changes = {"action": "panic"}


class NoReason(_Alters):
    changes = {"reasons": ()}


class OtherAgent(_Alters):
    changes = {"agent_id": "somebody else"}


class Dictionaries(_PassesTheTest):
    def misbehave(self, inputs, answers):
        return [{"action": "stay"} for _ in answers]


class OneBadAnswer(_PassesTheTest):
    """Nonsense about the first agent only."""

    def misbehave(self, inputs, answers):
        return [replace(answers[0], risk=-1), *answers[1:]]


class FailsItsTest(Good):
    def decide(self, inputs):
        raise ZeroDivisionError("division by zero")


class FailsToStart:
    def __init__(self):
        raise OSError("no such file")


class NewerContract(Good):
    def info(self):
        return EngineInfo(name="newer", version="1", contract_version=2)


class NoEngine:
    """Has nothing that an engine has."""


class WantsTheDatabase(Good):
    def __init__(self, db_connection_func):
        super().__init__()
        db_connection_func()


class HalfACharacter(_Alters):
    changes = {"reasons": ("\ud800",)}


class RaisesHalfACharacter(_PassesTheTest):
    def misbehave(self, inputs, answers):
        raise OSError("\ud800")


class LongName(_PassesTheTest):
    def misbehave(self, inputs, answers):
        return answers

    def info(self):
        name = "good" if self.calls < 4 else "x" * 65
        return EngineInfo(name=name, version="1")


class StrangeParameters(LongName):
    def info(self):
        return EngineInfo(
            name="strange", version="1", parameters={"set": {1}} if self.calls > 3 else {}
        )


class OwnFloat(float):
    """A number of a library, as numpy has them."""


class OwnFloats(_Alters):
    changes = {"risk": OwnFloat(0.25), "confidence": OwnFloat(0.5)}
