"""The engine that weighs money against the danger of a loss.

value of a move = what it saves over the horizon + (hazard here - hazard there) x cost of a loss
- cost of the move. The hazard comes from a trained model; the price forecast is the last value,
which nothing measured beats within hours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from decision_engines.contract import (
    Action,
    CannotDecide,
    Decision,
    DecisionInput,
    EngineInfo,
    HazardModel,
    HazardScores,
    Mode,
    PoolFacts,
)
from decision_engines.features import pool_features

HOUR: Final = timedelta(hours=1)
NEARLY_CERTAIN: Final = 0.999999  # a chance of 1 would be an infinite hazard


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What is weighed; hours are hours of the on-demand price.

    Attributes:
        horizon_hours: How far a move is expected to pay.
        loss_cost_hours: What a loss costs: downtime, and on-demand until spot is found again.
        move_cost_hours: What a move costs: both instances run for a while.
        margin_hours: A move must be worth more than that.
    """

    horizon_hours: float = 2.0
    loss_cost_hours: float = 1.0
    move_cost_hours: float = 0.1
    margin_hours: float = 0.02


@dataclass(frozen=True, slots=True)
class _Place:
    """Somewhere to be: a pool, or on-demand when ``pool`` is None. Hazard in losses an hour."""

    pool: PoolFacts | None
    price: float
    hazard: float

    @property
    def risk(self) -> float:
        return 1 - math.exp(-self.hazard)


class MLBasedDecisionEngine:
    """Moves where the value is highest. Without a live model it cannot decide, and says so."""

    def __init__(
        self, hazard_model: HazardModel | None = None, weights: Weights | None = None
    ) -> None:
        self._model = hazard_model
        self._weights = weights or Weights()
        self._model_version: str | None = None

    def decide(self, inputs: Sequence[DecisionInput]) -> list[Decision]:
        """Return one decision for each input, with one call of the model for all of them.

        Raises:
            CannotDecide: no hazard model is live.
            ValueError: the model answered something that is no chance.
        """
        if self._model is None:
            raise CannotDecide("no hazard model is live")
        keys, rows = _distinct_pools(inputs)
        scores = self._model.score(rows)
        hazards = dict(zip(keys, _hazards(scores, len(rows)), strict=True))
        self._model_version = scores.version
        return [self._decide(given, hazards) for given in inputs]

    def info(self) -> EngineInfo:
        """Return name, version, weights, and the model that answered last."""
        return EngineInfo(
            name="ml_based",
            version="1.0.0",
            model_version=self._model_version,
            parameters=asdict(self._weights),
        )

    def warm_up(self) -> None:
        """Nothing has to be loaded: whoever runs the model keeps it warm."""

    def _decide(self, given: DecisionInput, hazards: Mapping["_Key", float]) -> Decision:
        doubt = _doubt(given)
        here = _here(given, hazards)
        if doubt or here is None:
            return _stay(given, here, doubt or "the price of the present pool is unknown")
        ranked = sorted(
            ((self._value(given, here, place), place) for place in _elsewhere(given, hazards)),
            key=lambda pair: (-pair[0], pair[1].pool.pool_id if pair[1].pool else ""),
        )
        margin = self._weights.margin_hours * float(given.ondemand_price or 0)
        worth = [place for value, place in ranked if value > margin]
        if not worth:
            best = f"; the best would be worth {ranked[0][0]:.4f} USD" if ranked else ""
            return _stay(given, here, f"no move is worth more than {margin:.4f} USD{best}")
        return _move(given, here, worth, ranked[0][0])

    def _value(self, given: DecisionInput, here: _Place, there: _Place) -> float:
        weights, ondemand = self._weights, float(given.ondemand_price or 0)
        saved = (here.price - there.price) * weights.horizon_hours
        spared = (here.hazard - there.hazard) * weights.horizon_hours
        return saved + (spared * weights.loss_cost_hours - weights.move_cost_hours) * ondemand


_Key = tuple[int, str]  # identity of the candidates' facts, and the on-demand price beside them


def _distinct_pools(
    inputs: Sequence[DecisionInput],
) -> tuple[list[_Key], list[dict[str, float]]]:
    """Describe every pool once: agents of one client share theirs."""
    rows: dict[_Key, dict[str, float]] = {}
    for given in inputs:
        pools = _pools_of(given)
        for pool in pools:
            key = _key(pool, given)
            if key not in rows:
                rows[key] = pool_features(
                    pool, pools, ondemand_price=given.ondemand_price, now=given.now
                )
    return list(rows), list(rows.values())


def _pools_of(given: DecisionInput) -> tuple[PoolFacts, ...]:
    return (given.own_pool, *given.candidates) if given.own_pool else given.candidates


def _key(pool: PoolFacts, given: DecisionInput) -> _Key:
    return id(pool), str(given.ondemand_price)


def _hazards(scores: HazardScores, count: int) -> list[float]:
    """Turn chances within the model's horizon into losses an hour."""
    chances = [float(chance) for chance in scores.chances]
    if len(chances) != count:
        raise ValueError(f"the model answered {len(chances)} chances for {count} pools")
    if not all(0 <= chance <= 1 for chance in chances):  # NaN too is in no range
        raise ValueError("the model answered a chance outside 0..1")
    hours = scores.horizon / HOUR
    return [-math.log1p(-min(chance, NEARLY_CERTAIN)) / hours for chance in chances]


def _doubt(given: DecisionInput) -> str | None:
    if given.ondemand_price is None or given.ondemand_price <= 0:
        return "the on-demand price is unknown: nothing can be compared"
    if given.mode is Mode.UNKNOWN:
        return "it is unknown whether the instance is spot or on-demand"
    own = given.own_pool
    if given.mode is Mode.SPOT and own is not None and given.now - own.price_at > HOUR / 4:
        return "the price of the present pool is older than 15 minutes"
    return None


def _here(given: DecisionInput, hazards: Mapping[_Key, float]) -> _Place | None:
    if given.mode is Mode.ONDEMAND:
        return _Place(None, float(given.ondemand_price or 0), 0.0)
    own = given.own_pool
    return _Place(own, float(own.price), hazards[_key(own, given)]) if own else None


def _elsewhere(given: DecisionInput, hazards: Mapping[_Key, float]) -> list[_Place]:
    own = given.own_pool.pool_id if given.own_pool else None
    places = [
        _Place(pool, float(pool.price), hazards[_key(pool, given)])
        for pool in given.candidates
        if pool.pool_id != own and pool.is_usable(given.now)
    ]
    safe = [place for place in places if place.risk <= given.risk_threshold]
    if given.mode is Mode.SPOT:
        safe.append(_Place(None, float(given.ondemand_price or 0), 0.0))
    return safe


def _move(given: DecisionInput, here: _Place, worth: Sequence[_Place], value: float) -> Decision:
    best = worth[0]
    others = (place.pool.pool_id for place in worth[1:] if place.pool)
    return Decision(
        agent_id=given.agent_id,
        action=Action.SWITCH_SPOT if best.pool else Action.SWITCH_ONDEMAND,
        target_pool_id=best.pool.pool_id if best.pool else None,
        alternatives=tuple(others) if best.pool else (),
        risk=here.risk,
        target_risk=best.risk,
        expected_saving_usd_per_hour=here.price - best.price,
        confidence=0.8,
        reasons=(
            f"the move is worth {value:.4f} USD",
            f"{best.price:.4f} instead of {here.price:.4f} USD/h",
            f"risk {best.risk:.1%} instead of {here.risk:.1%} within an hour",
        ),
    )


def _stay(given: DecisionInput, here: _Place | None, reason: str) -> Decision:
    own = given.own_pool.risk if given.own_pool and given.mode is Mode.SPOT else 0.0
    return Decision(
        agent_id=given.agent_id,
        action=Action.STAY,
        risk=here.risk if here else own,
        confidence=0.7,
        reasons=(reason,),
    )
