"""What a decision engine is handed, and what it answers.

An engine turns frozen snapshots into decisions. It is handed no database, reads no clock, and may
be asked about one agent or ten thousand in one call. Money is in US dollars per hour, a risk is the
chance of losing an instance within an hour, instants are aware and in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from decision_engines.trouble import UNTROUBLED, Trouble

CONTRACT_VERSION: Final = 1
PRICE_FRESH: Final = timedelta(minutes=15)  # an older price is no ground for a move


class Mode(StrEnum):
    """The market that an instance was bought on."""

    SPOT = "spot"
    ONDEMAND = "ondemand"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What an engine advises."""

    STAY = "stay"
    SWITCH_SPOT = "switch_spot"
    SWITCH_ONDEMAND = "switch_ondemand"


class CannotDecide(Exception):
    """An engine says, in one sentence, why it has no answer now: another one is asked instead.

    This is no failure: nothing is broken, a trained model is only not there yet.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """A spot pool as one client knows it.

    Attributes:
        pool_id: ``"{instance_type}.{az}"``.
        az: Its availability zone.
        price: USD per hour, above 0.
        price_at: When that price was seen.
        risk: Chance of losing an instance there within an hour, in [0, 1], without a model.
        last_loss_at: Newest known loss in the pool; None when none is known.
        decayed_losses: Losses of 30 days, each halved every 7 days.
        decayed_capacity_errors: Launches refused in 24 hours, each halved every 3 hours.
        volatility: Standard deviation over mean of a day's prices; None when unknown.
        cooling_until: The pool rests until then after trouble; None when it does not.
        trouble: Losses and refused launches of the last days.
    """

    pool_id: str
    az: str
    price: Decimal
    price_at: datetime
    risk: float
    last_loss_at: datetime | None = None
    decayed_losses: float = 0.0
    decayed_capacity_errors: float = 0.0
    volatility: float | None = None
    cooling_until: datetime | None = None
    trouble: Trouble = UNTROUBLED

    def is_usable(self, now: datetime) -> bool:
        """Whether its price is fresh and it does not rest."""
        is_cooling = self.cooling_until is not None and self.cooling_until > now
        return now - self.price_at <= PRICE_FRESH and not is_cooling


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """One agent at one instant.

    Attributes:
        agent_id: The agent.
        instance_id: Its primary.
        instance_type: Such as ``m5.large``.
        region: Where it runs; candidates lie in the same region.
        az: Its availability zone.
        mode: How it was bought.
        now: The instant of the decision.
        ondemand_price: USD per hour of this type; None when it is unknown.
        own_pool: The pool that it runs in; None on on-demand, and when its price is unknown.
        candidates: Other pools of the same type and region, by price, then name.
        in_place_for: How long the instance has been running there.
        last_switch_at: When the primary last changed; None when it never did.
        switches_last_day: Voluntary switches within 24 hours.
        switches_last_week: Voluntary switches within 7 days.
        min_saving_percent: The least saving that this agent's owner wants, 0..100.
        risk_threshold: The most risk that this agent's owner accepts, 0..1.
    """

    agent_id: str
    instance_id: str
    instance_type: str
    region: str
    az: str
    mode: Mode
    now: datetime
    ondemand_price: Decimal | None
    own_pool: PoolFacts | None = None
    candidates: tuple[PoolFacts, ...] = ()
    in_place_for: timedelta = timedelta(0)
    last_switch_at: datetime | None = None
    switches_last_day: int = 0
    switches_last_week: int = 0
    min_saving_percent: float = 15.0
    risk_threshold: float = 0.30

    @property
    def present_price(self) -> Decimal | None:
        """What the instance costs now, USD per hour; None when it is unknown."""
        if self.mode is Mode.ONDEMAND:
            return self.ondemand_price
        return self.own_pool.price if self.own_pool is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with one agent.

    Attributes:
        agent_id: The agent of the input.
        action: What is advised.
        risk: Chance of losing the present instance within an hour, in [0, 1].
        reasons: Sentences for people, the most important first; at least one.
        target_pool_id: One of the input's candidates for ``switch_spot``, else None.
        alternatives: Further candidates to try, in order, when the target has no capacity.
        target_risk: Chance of a loss within an hour after the move, in [0, 1].
        expected_saving_usd_per_hour: What the action is expected to save; may be negative.
        confidence: In [0, 1].
    """

    agent_id: str
    action: Action
    risk: float
    reasons: tuple[str, ...]
    target_pool_id: str | None = None
    alternatives: tuple[str, ...] = ()
    target_risk: float | None = None
    expected_saving_usd_per_hour: float = 0.0
    confidence: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine says of itself; the log keeps it with every decision.

    ``model_version`` names the trained model that answered last, None without one.
    """

    name: str
    version: str
    model_version: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    contract_version: int = CONTRACT_VERSION


@runtime_checkable
class DecisionEngine(Protocol):
    """A plug-in. Its constructor may ask for ``hazard_model`` or ``models_dir`` by name."""

    def decide(self, inputs: Sequence[DecisionInput]) -> Sequence[Decision]:
        """Return one decision for each input, in the same order.

        Raises:
            CannotDecide: there is no answer now, and nothing is broken.
        """
        ...

    def info(self) -> EngineInfo:
        """Return name, version and parameters."""
        ...

    def warm_up(self) -> None:
        """Load what the first decision needs. Called once, before the self-test."""
        ...


@dataclass(frozen=True, slots=True)
class HazardScores:
    """Answers of a hazard model.

    Attributes:
        chances: One for each row of features: chance of a loss within ``horizon``, in [0, 1].
        version: Which model answered.
        horizon: What the chances speak of.
    """

    chances: Sequence[float]
    version: str
    horizon: timedelta


class HazardModel(Protocol):
    """A trained model that somebody else runs."""

    def score(self, features: Sequence[Mapping[str, float]]) -> HazardScores:
        """Return the chance of a loss for each row of features.

        Raises:
            CannotDecide: no model is live, or it cannot be reached now.
        """
        ...
