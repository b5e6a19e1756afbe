"""Pools and inputs for engines and guard, valid by default."""

from datetime import timedelta
from decimal import Decimal

from decision_engines.contract import Action, Decision, DecisionInput, Mode, PoolFacts
from tests.fakes.clock import START

TYPE = "m5.large"


def pool(zone: str = "b", price: str = "0.04", *, risk: float = 0.01, **over) -> PoolFacts:
    """A pool of us-east-1; its price is fresh at START."""
    az = f"us-east-1{zone}"
    values = {"price_at": START, **over}
    return PoolFacts(pool_id=f"{TYPE}.{az}", az=az, price=Decimal(price), risk=risk, **values)


def on_spot(own: PoolFacts | None, *candidates: PoolFacts, **over) -> DecisionInput:
    """An agent on spot for a day; on-demand costs 0.1 USD/h."""
    return _given(Mode.SPOT, own, candidates, over)


def on_demand(*candidates: PoolFacts, **over) -> DecisionInput:
    """An agent on on-demand for a day."""
    return _given(Mode.ONDEMAND, None, candidates, over)


def _given(mode: Mode, own: PoolFacts | None, candidates, over) -> DecisionInput:
    values = {
        "agent_id": "agent-1",
        "instance_id": "i-1",
        "instance_type": TYPE,
        "region": "us-east-1",
        "az": own.az if own else "us-east-1a",
        "mode": mode,
        "now": START,
        "ondemand_price": Decimal("0.1"),
        "own_pool": own,
        "candidates": tuple(candidates),
        "in_place_for": timedelta(days=1),
    }
    return DecisionInput(**(values | over))


def move_to(target: PoolFacts | None, given: DecisionInput, **over) -> Decision:
    """The advice to move to a pool, or to on-demand."""
    values = {
        "agent_id": given.agent_id,
        "action": Action.SWITCH_SPOT if target else Action.SWITCH_ONDEMAND,
        "target_pool_id": target.pool_id if target else None,
        "risk": 0.1,
        "expected_saving_usd_per_hour": 0.01,
        "reasons": ("because",),
    }
    return Decision(**(values | over))
