"""Three rules and a hysteresis: the engine that is always there.

Spot above 80 % of on-demand: to on-demand. More than 30 % saving: to spot. Otherwise stay. Between
70 % and 80 % nothing moves, and for some hours after a switch both limits are wider apart.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from decision_engines.contract import (
    Action,
    Decision,
    DecisionInput,
    EngineInfo,
    Mode,
    PoolFacts,
)

LEAVE_ABOVE: Final = Decimal("0.80")  # of the on-demand price
ENTER_BELOW: Final = Decimal("0.70")
SETTLING: Final = timedelta(hours=6)
SETTLING_MARGIN: Final = Decimal("0.05")
RISK_BANDS: Final = (0.02, 0.05, 0.15)  # upper limits: the safest band that saves comes first


class RuleBasedEngine:
    """DESIGN 7's rules. Pure: the same inputs, the same decisions."""

    def decide(self, inputs: Sequence[DecisionInput]) -> list[Decision]:
        """Return one decision for each input; knows an answer to everything."""
        return [_decide(given) for given in inputs]

    def info(self) -> EngineInfo:
        """Return name, version and the three limits."""
        return EngineInfo(
            name="rule_based",
            version="1.0.0",
            parameters={
                "leave_above": float(LEAVE_ABOVE),
                "enter_below": float(ENTER_BELOW),
                "settling_hours": SETTLING / timedelta(hours=1),
            },
        )

    def warm_up(self) -> None:
        """Nothing has to be loaded."""


def _decide(given: DecisionInput) -> Decision:
    if given.ondemand_price is None or given.ondemand_price <= 0:
        return _stay(given, "the on-demand price is unknown: nothing can be compared")
    if given.mode is Mode.UNKNOWN:
        return _stay(given, "it is unknown whether the instance is spot or on-demand")
    if given.mode is Mode.ONDEMAND:
        return _from_ondemand(given, given.ondemand_price)
    return _from_spot(given, given.ondemand_price)


def _from_ondemand(given: DecisionInput, ondemand: Decimal) -> Decision:
    below = ENTER_BELOW - _margin(given)
    pools = _entrances(given, ondemand * below)
    if not pools:
        return _stay(given, _why_no_spot(given, below))
    return _to_spot(given, pools, ondemand, "on-demand")


def _from_spot(given: DecisionInput, ondemand: Decimal) -> Decision:
    own = given.own_pool
    if own is None:
        return _stay(given, "the price of the present pool is unknown")
    if not _is_fresh(own, given):
        return _stay(given, "the price of the present pool is older than 15 minutes")
    ratio = own.price / ondemand
    above = LEAVE_ABOVE + _margin(given)
    if ratio <= above:
        return _stay(given, f"spot costs {ratio:.0%} of on-demand, not more than {above:.0%}")
    pools = _entrances(given, ondemand * (ENTER_BELOW - _margin(given)))
    if pools:
        return _to_spot(given, pools, own.price, f"this pool at {ratio:.0%} of on-demand")
    return Decision(
        agent_id=given.agent_id,
        action=Action.SWITCH_ONDEMAND,
        risk=own.risk,
        target_risk=0.0,
        expected_saving_usd_per_hour=float(own.price - ondemand),
        confidence=0.7,
        reasons=(f"spot costs {ratio:.0%} of on-demand, more than {above:.0%}",),
    )


def _to_spot(
    given: DecisionInput, pools: Sequence[PoolFacts], present: Decimal, place: str
) -> Decision:
    best = pools[0]
    return Decision(
        agent_id=given.agent_id,
        action=Action.SWITCH_SPOT,
        target_pool_id=best.pool_id,
        alternatives=tuple(pool.pool_id for pool in pools[1:]),
        risk=_present_risk(given),
        target_risk=best.risk,
        expected_saving_usd_per_hour=float(present - best.price),
        confidence=0.8,
        reasons=(
            f"{best.pool_id} costs {best.price} USD/h instead of {present} for {place}",
            f"risk there {best.risk:.1%} within an hour",
        ),
    )


def _stay(given: DecisionInput, reason: str) -> Decision:
    return Decision(
        agent_id=given.agent_id,
        action=Action.STAY,
        risk=_present_risk(given),
        confidence=0.6,
        reasons=(reason,),
    )


def _entrances(given: DecisionInput, below: Decimal) -> list[PoolFacts]:
    """Return the pools worth entering: fresh, rested, safe enough, cheap enough; safest first."""
    own = given.own_pool.pool_id if given.own_pool else None
    pools = [
        pool
        for pool in given.candidates
        if pool.price < below
        and pool.pool_id != own
        and pool.risk <= given.risk_threshold
        and pool.is_usable(given.now)
    ]
    return sorted(pools, key=lambda pool: (_band(pool.risk), pool.price, pool.pool_id))


def _why_no_spot(given: DecisionInput, below: Decimal) -> str:
    if not given.candidates:
        return "no spot pool of this type is known"
    return (
        f"none of {len(given.candidates)} pools is below {below:.0%} of on-demand, fresh and safe"
    )


def _margin(given: DecisionInput) -> Decimal:
    since = given.last_switch_at
    is_settling = since is not None and given.now - since < SETTLING
    return SETTLING_MARGIN if is_settling else Decimal(0)


def _is_fresh(pool: PoolFacts, given: DecisionInput) -> bool:
    return given.now - pool.price_at <= timedelta(minutes=15)


def _present_risk(given: DecisionInput) -> float:
    return given.own_pool.risk if given.mode is Mode.SPOT and given.own_pool else 0.0


def _band(risk: float) -> int:
    return sum(risk >= limit for limit in RISK_BANDS)
