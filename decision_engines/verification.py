"""Does an answer keep the contract? The host asks it of every decision, tests of engines too."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from decision_engines.contract import (
    CONTRACT_VERSION,
    Action,
    Decision,
    DecisionInput,
    EngineInfo,
    Mode,
)

MOST_REASONS = 20
LONGEST_REASON = 500  # characters
LONGEST_NAME, LONGEST_VERSION = 64, 32  # characters, as the log's columns


class ContractViolation(Exception):
    """An engine answered something that is no decision."""


def check_count(inputs: Sequence[DecisionInput], answers: object) -> Sequence[object]:
    """Return the answers if they are a list or tuple with one for each input.

    Raises:
        ContractViolation: they are not.
    """
    if not isinstance(answers, (list, tuple)):
        raise ContractViolation(f"decide() answered {type(answers).__name__}, not a list or tuple")
    if len(answers) != len(inputs):
        raise ContractViolation(f"{len(answers)} decisions for {len(inputs)} inputs")
    return answers


def check_decision(given: DecisionInput, answer: object) -> Decision:
    """Return the answer if it is a decision about this input.

    Raises:
        ContractViolation: in one sentence, what is wrong with it.
    """
    if not isinstance(answer, Decision):
        raise ContractViolation(f"the answer is {type(answer).__name__}, not a Decision")
    if answer.agent_id != given.agent_id:
        raise ContractViolation("the decision is about another agent")
    if not isinstance(answer.action, Action):
        raise ContractViolation(f"{answer.action!r:.50} is no Action")
    _check_target(given, answer)
    _check_numbers(answer)
    _check_reasons(answer)
    return _plain(answer)


def check_info(answer: object) -> EngineInfo:
    """Return what an engine says of itself, if it can be kept.

    Raises:
        ContractViolation: in one sentence, what is wrong with it.
    """
    if not isinstance(answer, EngineInfo):
        raise ContractViolation(f"info() answered {type(answer).__name__}, not an EngineInfo")
    if answer.contract_version != CONTRACT_VERSION:
        raise ContractViolation(
            f"it speaks contract {answer.contract_version}, this program {CONTRACT_VERSION}"
        )
    texts = (
        ("name", answer.name, LONGEST_NAME),
        ("version", answer.version, LONGEST_VERSION),
        ("model_version", answer.model_version or "none", LONGEST_NAME),
    )
    for field, text, longest in texts:
        if not _is_text(text, longest):
            raise ContractViolation(f"{field} must be a text of 1 to {longest} characters")
    parameters = answer.parameters
    if not isinstance(parameters, Mapping) or not all(
        _is_text(name, LONGEST_NAME) and _is_number(value) for name, value in parameters.items()
    ):
        raise ContractViolation("parameters must be a mapping of names to numbers")
    return answer


def _check_target(given: DecisionInput, answer: Decision) -> None:
    offered = {pool.pool_id for pool in given.candidates}
    if answer.action is not Action.SWITCH_SPOT:
        if answer.target_pool_id is not None:
            raise ContractViolation(f"{answer.action} names a pool")
        if answer.action is Action.SWITCH_ONDEMAND and given.mode is Mode.ONDEMAND:
            raise ContractViolation("the agent is on on-demand already")
        return
    if not isinstance(answer.alternatives, tuple):
        raise ContractViolation("alternatives must be a tuple")
    for name in (answer.target_pool_id, *answer.alternatives):
        if not isinstance(name, str) or name not in offered:
            raise ContractViolation(f"the pool {name!r:.130} was not offered")


def _check_numbers(answer: Decision) -> None:
    shares = {"risk": answer.risk, "confidence": answer.confidence}
    if answer.target_risk is not None:
        shares["target_risk"] = answer.target_risk
    for name, value in shares.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise ContractViolation(f"{name} is {value!r:.50}, not a number in 0..1")
    saving = answer.expected_saving_usd_per_hour
    if not _is_number(saving) or abs(saving) > 10_000:  # noqa: PLR2004 - dearer than any instance
        raise ContractViolation(f"expected_saving_usd_per_hour is {saving!r:.50}")


def _check_reasons(answer: Decision) -> None:
    reasons = answer.reasons
    if not isinstance(reasons, tuple) or not 0 < len(reasons) <= MOST_REASONS:
        raise ContractViolation(f"reasons must be a tuple of 1 to {MOST_REASONS} sentences")
    if not all(_is_text(text, LONGEST_REASON) for text in reasons):
        raise ContractViolation(f"a reason has 1 to {LONGEST_REASON} characters")


def _is_number(value: object) -> bool:
    is_plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_plain and math.isfinite(float(value))  # type: ignore[arg-type]  # checked above


def _is_text(value: object, longest: int) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character: nothing that stores or sends text takes it
        return False
    return True


def _plain(answer: Decision) -> Decision:
    """Return the decision with the language's own numbers: libraries have theirs."""
    numbers = (
        answer.risk,
        answer.confidence,
        answer.expected_saving_usd_per_hour,
        answer.target_risk,
    )
    if all(type(number) in (float, int, type(None)) for number in numbers):
        return answer
    return replace(
        answer,
        risk=float(answer.risk),
        confidence=float(answer.confidence),
        expected_saving_usd_per_hour=float(answer.expected_saving_usd_per_hour),
        target_risk=None if answer.target_risk is None else float(answer.target_risk),
    )
