"""Engines written for the older contract, which was never written down, behind the present one.

Such an engine has ``make_decision``, in one of two dialects: keywords ``instance, pricing, config,
recent_switches_count, last_switch_time``, or positions ``agent_data, pricing_data``. It answers a
dictionary about one agent. What cannot be read raises, and the rules answer instead.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from decision_engines.contract import (
    Action,
    Decision,
    DecisionInput,
    EngineInfo,
    Mode,
)
from decision_engines.verification import ContractViolation

_WORDS = {
    "stay": Action.STAY,
    "stay_spot": Action.STAY,
    "stay_ondemand": Action.STAY,
    "hold": Action.STAY,
    "switch_spot": Action.SWITCH_SPOT,
    "switch_to_spot": Action.SWITCH_SPOT,
    "switch_ondemand": Action.SWITCH_ONDEMAND,
    "switch_to_ondemand": Action.SWITCH_ONDEMAND,
}


class LegacyEngine(Protocol):
    """What an older engine has at least; ``load``, ``version`` and the rest are optional."""

    make_decision: Any


class LegacyEngineAdapter:
    """Speaks the present contract for an older engine, one agent at a time."""

    def __init__(self, engine: LegacyEngine) -> None:
        self._engine = engine
        names = inspect.signature(engine.make_decision).parameters
        self._is_positional = "agent_data" in names

    def decide(self, inputs: Sequence[DecisionInput]) -> list[Decision]:
        """Return one decision for each input.

        Raises:
            ContractViolation: an answer cannot be read.
        """
        return [self._decide(given) for given in inputs]

    def info(self) -> EngineInfo:
        """Return the engine's class and version."""
        version = str(getattr(self._engine, "version", "unknown"))
        return EngineInfo(name=f"legacy:{type(self._engine).__name__}"[:64], version=version[:32])

    def warm_up(self) -> None:
        """Let the engine load what it needs; what ``load`` returns never meant anything."""
        load = getattr(self._engine, "load", None)
        if callable(load):
            load()

    def _decide(self, given: DecisionInput) -> Decision:
        if given.ondemand_price is None or given.mode is Mode.UNKNOWN:
            # These engines take a missing price for 0, which looks like a saving of 100 %.
            return _stay(given, "the on-demand price or the present mode is unknown")
        if given.mode is Mode.SPOT and given.own_pool is None:
            return _stay(given, "the price of the present pool is unknown")
        if given.mode is Mode.ONDEMAND and not given.candidates:
            return _stay(given, "no spot pool of this type is known")
        if self._is_positional:
            answer = self._engine.make_decision(_instance(given), _pricing(given))
        else:
            answer = self._engine.make_decision(
                instance=_instance(given),
                pricing=_pricing(given),
                config=_config(given),
                recent_switches_count=given.switches_last_week,
                last_switch_time=given.last_switch_at,
            )
        return _read(given, answer)


def _instance(given: DecisionInput) -> dict[str, Any]:
    return {
        "instance_id": given.instance_id,
        "agent_id": given.agent_id,
        "instance_type": given.instance_type,
        "region": given.region,
        "az": given.az,
        "current_mode": given.mode.value,
        "current_pool_id": given.own_pool.pool_id if given.own_pool else None,
    }


def _pricing(given: DecisionInput) -> dict[str, Any]:
    """Return the prices of the present pool, on on-demand those of the cheapest pool."""
    pool = given.own_pool or given.candidates[0]
    return {
        "spot_price": float(pool.price),
        "current_spot_price": float(pool.price),
        "ondemand_price": float(given.ondemand_price or 0),
        "on_demand_price": float(given.ondemand_price or 0),
        "pool_id": pool.pool_id,
        "spot_pools": [
            {"pool_id": other.pool_id, "az": other.az, "price": float(other.price)}
            for other in given.candidates
        ],
    }


def _config(given: DecisionInput) -> dict[str, Any]:
    return {
        "min_savings_percent": given.min_saving_percent,
        "risk_threshold": given.risk_threshold,
        "auto_switch_enabled": True,
        "enabled": True,
    }


def _read(given: DecisionInput, answer: object) -> Decision:
    if not isinstance(answer, Mapping):
        raise ContractViolation(f"make_decision answered {type(answer).__name__}, not a dictionary")
    action = _action_of(answer)
    if answer.get("allowed") is False or (
        action is Action.SWITCH_ONDEMAND and given.mode is Mode.ONDEMAND
    ):
        action = Action.STAY
    saving = answer.get("expected_savings_per_hour", answer.get("expected_savings", 0))
    is_move = action is not Action.STAY
    return Decision(
        agent_id=given.agent_id,
        action=action,
        risk=_number(answer.get("risk_score"), "risk_score"),
        target_pool_id=(
            str(answer.get("recommended_pool_id")) if action is Action.SWITCH_SPOT else None
        ),
        expected_saving_usd_per_hour=_number(saving, "expected_savings") if is_move else 0.0,
        confidence=_number(answer.get("confidence", 0.5), "confidence"),
        reasons=(str(answer.get("reason") or "no reason was given")[:500],),
    )


def _action_of(answer: Mapping[Any, Any]) -> Action:
    word = answer.get("recommended_action", answer.get("decision_type"))
    if word == "switch":
        word = f"switch_{answer.get('recommended_mode')}"
    action = _WORDS.get(word) if isinstance(word, str) else None
    if action is None:
        raise ContractViolation(f"{word!r:.50} is no known action")
    return action


def _number(value: object, name: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # whatever it is, it is read or refused
    except (TypeError, ValueError) as error:
        raise ContractViolation(f"{name} is {value!r:.50}, not a number") from error


def _stay(given: DecisionInput, reason: str) -> Decision:
    risk = given.own_pool.risk if given.own_pool else 0.0
    return Decision(agent_id=given.agent_id, action=Action.STAY, risk=risk, reasons=(reason,))
