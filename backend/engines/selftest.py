"""Situations that every engine must answer before it may decide about anybody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from decision_engines.contract import (
    CannotDecide,
    DecisionEngine,
    DecisionInput,
    Mode,
    PoolFacts,
)
from decision_engines.verification import check_count, check_decision

_NOW: Final = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_TYPE: Final = "m5.large"


def self_test(engine: DecisionEngine) -> None:
    """Ask the engine about ordinary and odd situations, together and alone, and about nobody.

    An engine that says that it cannot decide now has passed: it is honest.

    Raises:
        ContractViolation: an answer is no decision.
        Exception: whatever the engine itself raises.
    """
    for inputs in (situations(), situations()[:1], ()):
        try:
            answers = check_count(inputs, engine.decide(inputs))
        except CannotDecide:
            continue
        for given, answer in zip(inputs, answers, strict=True):
            check_decision(given, answer)


def situations() -> Sequence[DecisionInput]:
    """Return the situations; the last ones lack what an engine would like to know."""
    cheap, dear = _pool("a", "0.03"), _pool("b", "0.09")
    equal = tuple(_pool(zone, "0.05") for zone in "abc")
    stale = _pool("c", "0.01", age=timedelta(hours=5))
    return (
        _given("on-demand, spot is cheap", Mode.ONDEMAND, candidates=(cheap, dear)),
        _given("spot, dear", Mode.SPOT, own=dear, candidates=(cheap,)),
        _given("spot, dear, nowhere to go", Mode.SPOT, own=dear),
        _given("all prices equal", Mode.SPOT, own=equal[0], candidates=equal[1:]),
        _given("only stale prices", Mode.ONDEMAND, candidates=(stale,)),
        _given("spot above on-demand", Mode.SPOT, own=_pool("a", "0.2"), candidates=()),
        _given("on-demand price unknown", Mode.SPOT, own=cheap, candidates=(dear,), ondemand=None),
        _given("own price unknown", Mode.SPOT, candidates=(cheap, dear)),
        _given("mode unknown", Mode.UNKNOWN, candidates=(cheap,)),
        _given("nothing known", Mode.ONDEMAND, ondemand=None),
    )


def _given(
    agent_id: str,
    mode: Mode,
    *,
    own: PoolFacts | None = None,
    candidates: tuple[PoolFacts, ...] = (),
    ondemand: str | None = "0.1",
) -> DecisionInput:
    return DecisionInput(
        agent_id=agent_id,
        instance_id="i-00000000000000000",
        instance_type=_TYPE,
        region="us-east-1",
        az=own.az if own else "us-east-1f",
        mode=mode,
        now=_NOW,
        ondemand_price=Decimal(ondemand) if ondemand else None,
        own_pool=own,
        candidates=candidates,
        in_place_for=timedelta(days=1),
    )


def _pool(zone: str, price: str, *, age: timedelta = timedelta(0)) -> PoolFacts:
    az = f"us-east-1{zone}"
    return PoolFacts(
        pool_id=f"{_TYPE}.{az}", az=az, price=Decimal(price), price_at=_NOW - age, risk=0.01
    )
