"""The engine that decides, and what happens when it does not.

Whatever an engine does (raise, take too long, answer nonsense, name a pool that nobody offered),
the rules answer instead, marked as fallback with the reason. Three failures in a row open a breaker.
Nothing here needs a database.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from backend.clock import Clock
from backend.engines.engine_breaker import Breaker
from backend.engines.loader import EngineRefused, load_engine
from decision_engines.contract import (
    CannotDecide,
    Decision,
    DecisionEngine,
    DecisionInput,
    EngineInfo,
    HazardModel,
)
from decision_engines.rule_based_engine import RuleBasedEngine
from decision_engines.verification import ContractViolation, check_count, check_decision, check_info

logger = logging.getLogger(__name__)

BASE_TIMEOUT_SECONDS: Final = 2.0
SECONDS_PER_INPUT: Final = 0.0005
LONGEST_CAUSE: Final = 300  # characters


class Source(StrEnum):
    """Who answered."""

    ENGINE = "engine"
    RULES = "rules"  # engines are switched off
    FALLBACK = "fallback"  # the engine could not


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, who made it, and for a fallback why the engine did not."""

    decision: Decision
    source: Source
    engine: EngineInfo
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class _Seat:
    """The engine in use; replaced as a whole, so that readers see the old one or the new one."""

    name: str
    engine: DecisionEngine
    breaker: Breaker
    running: threading.Lock


class EngineHost:
    """Asks the engine, and the rules where it fails. Thread-safe.

    Args:
        clock: Measures the breaker's rest.
        models_dir: Offered to engines that ask for it.
        hazard_model: Offered to engines that ask for it.
        is_enabled: False: the rules decide, and no engine is loaded.
        base_timeout_seconds: What a call may take, besides half a millisecond for each input.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        models_dir: Path,
        hazard_model: HazardModel | None = None,
        is_enabled: bool = True,
        base_timeout_seconds: float = BASE_TIMEOUT_SECONDS,
    ) -> None:
        self._clock = clock
        self._models_dir = models_dir
        self._hazard_model = hazard_model
        self._is_enabled = is_enabled
        self._base_timeout = base_timeout_seconds
        self._rules = RuleBasedEngine()
        self._seat: _Seat | None = None
        self._swapping = threading.Lock()
        self.refusal: str | None = None

    @property
    def name(self) -> str | None:
        """The class of the engine in use; None when the rules decide."""
        seat = self._seat
        return seat.name if seat else None

    @property
    def is_loaded(self) -> bool:
        """Whether decisions can be made as configured: by an engine, or by the rules alone."""
        return self._seat is not None or not self._is_enabled

    @property
    def is_resting(self) -> bool:
        """Whether the breaker keeps the engine from being asked."""
        seat = self._seat
        return seat is not None and seat.breaker.is_open

    def use(self, dotted: str) -> None:
        """Load and test an engine, then let it decide. The present one stays on any failure.

        Raises:
            EngineRefused: it cannot be used; ``refusal`` keeps the sentence.
        """
        if not self._is_enabled:
            return
        with self._swapping:
            try:
                engine = load_engine(
                    dotted, models_dir=self._models_dir, hazard_model=self._hazard_model
                )
            except EngineRefused as error:
                self.refusal = error.message
                logger.warning(
                    "%s", error.message, extra={"action": "engine_refused", "engine": dotted}
                )
                raise
            self._seat = _Seat(dotted, engine, Breaker(self._clock), threading.Lock())
            self.refusal = None
        logger.info("%s decides", dotted, extra={"action": "engine_loaded", "engine": dotted})

    def decide(self, inputs: Sequence[DecisionInput]) -> list[Answer]:
        """Return an answer for each input, in order; never raises for an engine's fault."""
        if not inputs:
            return []
        seat = self._seat
        if seat is None:
            return self._by_rules(inputs, None if not self._is_enabled else self._why_no_engine())
        if not seat.breaker.permits():
            return self._by_rules(inputs, "the engine rests after three failures")
        try:
            answers, info = self._ask(seat, inputs)
        except CannotDecide as reason:
            seat.breaker.succeeded()
            return self._by_rules(inputs, f"{reason!s:.{LONGEST_CAUSE}}")
        except _EngineFailed as failure:
            self._note_failure(seat, str(failure))
            return self._by_rules(inputs, str(failure))
        return self._checked(seat, inputs, answers, info)

    def _why_no_engine(self) -> str:
        return self.refusal or "no engine is loaded"

    def _ask(
        self, seat: _Seat, inputs: Sequence[DecisionInput]
    ) -> tuple[Sequence[object], EngineInfo]:
        """Call the engine on a thread of its own, which can be left behind but not be ended.

        So an engine that hangs holds one thread for ever, not one for each call.
        """
        if not seat.running.acquire(timeout=self._base_timeout):
            raise _EngineFailed("it is still busy with an earlier call")
        call = _Call(seat, inputs)
        threading.Thread(target=call.run, name="decision-engine", daemon=True).start()
        allowed = self._base_timeout + SECONDS_PER_INPUT * len(inputs)
        if not call.done.wait(allowed):
            raise _EngineFailed(f"it gave no answer within {allowed:g} s")
        if call.error is not None:
            if isinstance(call.error, CannotDecide):
                raise call.error
            sentence = f"{type(call.error).__name__}: {call.error!s:.{LONGEST_CAUSE}}"
            raise _EngineFailed(sentence)
        try:
            return check_count(inputs, call.answers), check_info(call.info)
        except ContractViolation as error:
            raise _EngineFailed(str(error)) from error

    def _checked(
        self,
        seat: _Seat,
        inputs: Sequence[DecisionInput],
        answers: Sequence[object],
        info: EngineInfo,
    ) -> list[Answer]:
        """Take the good answers; about the other agents the rules are asked."""
        checked: list[Answer] = []
        causes: list[str] = []
        for given, answer in zip(inputs, answers, strict=True):
            try:
                checked.append(Answer(check_decision(given, answer), Source.ENGINE, info))
            except ContractViolation as error:
                causes.append(str(error))
                checked.extend(self._by_rules([given], str(error)))
        if causes:
            self._note_failure(seat, f"{len(causes)} of {len(inputs)} answers: {causes[0]}")
        else:
            seat.breaker.succeeded()
        return checked

    def _by_rules(self, inputs: Sequence[DecisionInput], cause: str | None) -> list[Answer]:
        source = Source.FALLBACK if cause else Source.RULES
        cause = cause and _printable(cause)
        info = self._rules.info()
        return [Answer(decision, source, info, cause) for decision in self._rules.decide(inputs)]

    @staticmethod
    def _note_failure(seat: _Seat, cause: str) -> None:
        opened = seat.breaker.failed()
        logger.warning(
            "The engine %s failed: %s%s",
            seat.name,
            _printable(cause),
            "; it is left alone for a while" if opened else "",
            extra={"action": "engine_failed", "engine": seat.name, "is_breaker_open": opened},
        )


def _printable(cause: str) -> str:
    """Return a text that can be written down: an error may hold half a character."""
    return cause.encode(errors="replace").decode()


class _EngineFailed(Exception):
    """The engine broke its promise, in one sentence."""


class _Call:
    """One call of an engine, and what came of it."""

    def __init__(self, seat: _Seat, inputs: Sequence[DecisionInput]) -> None:
        self._seat = seat
        self._inputs = inputs
        self.done = threading.Event()
        self.answers: object = None
        self.info: object = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Ask, keep the answer or the error, and let the next caller in."""
        try:
            self.answers = self._seat.engine.decide(self._inputs)
            self.info = self._seat.engine.info()
        except SystemExit:
            self.error = RuntimeError("it tried to end the process")
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            self.error = error
        finally:
            self._seat.running.release()
            self.done.set()
