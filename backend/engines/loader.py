"""Find the class of an engine by its name, build it, and try it before anybody relies on it."""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from backend.engines.selftest import self_test
from backend.errors import SpotOptimizerError
from decision_engines.contract import DecisionEngine, HazardModel, HazardScores
from decision_engines.legacy_adapter import LegacyEngineAdapter
from decision_engines.verification import check_info


class EngineRefused(SpotOptimizerError):
    """A decision engine cannot be used."""

    code = "engine_refused"


def load_engine(
    dotted: str, *, models_dir: Path, hazard_model: HazardModel | None
) -> DecisionEngine:
    """Import, build, warm up and test an engine; nothing uses it yet.

    Args:
        dotted: ``package.module.Class`` of trusted, installed code.
        models_dir: Handed to a constructor that asks for ``models_dir`` or ``model_dir``.
        hazard_model: Handed to a constructor that asks for ``hazard_model``.

    Raises:
        EngineRefused: says at which step, and why.
    """
    step = "import"
    try:
        kind = _find(dotted)
        step = "construction"
        engine = _build(kind, models_dir, hazard_model)
        step = "warm-up"
        engine.warm_up()
        step = "info"
        check_info(engine.info())
        step = "self-test"
        self_test(_on_trial(kind, engine, models_dir))
    except Exception as error:
        sentence = f"{dotted} fails at {step}: {type(error).__name__}: {error!s:.300}"
        sentence = sentence.encode(errors="replace").decode()
        raise EngineRefused(sentence, engine=dotted, step=step) from error
    return engine


def _find(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    if not module:
        raise ValueError("the name must be package.module.Class")
    return getattr(importlib.import_module(module), name)


def _build(kind: Any, models_dir: Path, hazard_model: HazardModel | None) -> DecisionEngine:
    offers: dict[str, Any] = {
        "hazard_model": hazard_model,
        "models_dir": models_dir,
        "model_dir": str(models_dir),
        "db_connection_func": _no_database,
    }
    wanted = inspect.signature(kind).parameters
    built = kind(**{name: offer for name, offer in offers.items() if name in wanted})
    if not hasattr(built, "decide") and callable(getattr(built, "make_decision", None)):
        return LegacyEngineAdapter(built)
    if not isinstance(built, DecisionEngine):
        raise TypeError("it lacks decide, info or warm_up, and make_decision of older engines")
    return built


def _on_trial(kind: Any, engine: DecisionEngine, models_dir: Path) -> DecisionEngine:
    """Return what is tested: an engine that wants a hazard model is tried with one that answers.

    The test judges the engine, not the model that happens to be live, and must not need a database.
    """
    if "hazard_model" not in inspect.signature(kind).parameters:
        return engine
    trial = _build(kind, models_dir, _SteadyHazard())
    trial.warm_up()
    return trial


class _SteadyHazard:
    """A model to whom every pool is alike."""

    def score(self, features: Sequence[Mapping[str, float]]) -> HazardScores:
        return HazardScores([0.01] * len(features), "trial", timedelta(minutes=30))


def _no_database() -> None:
    raise PermissionError("engines are handed no database: everything they need is in the input")
