"""Where a replacement should go: which pools qualify, in which order, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

PRICE_FRESH: Final = timedelta(minutes=15)  # of price data that a decision may rest on
CAPACITY_COOLDOWN: Final = timedelta(minutes=3)
INTERRUPTION_COOLDOWN: Final = timedelta(minutes=30)
RISK_BANDS: Final = (0.02, 0.05, 0.15, 0.30)  # upper limits; what lies above is the last band


class CooldownReason(StrEnum):
    """What went wrong with a pool. A rebalance recommendation is only counted: it cools nothing."""

    INTERRUPTION = "interruption"
    REBALANCE = "rebalance"
    CAPACITY = "capacity"

    @property
    def duration(self) -> timedelta:
        """How long the pool rests."""
        return {
            CooldownReason.INTERRUPTION: INTERRUPTION_COOLDOWN,
            CooldownReason.REBALANCE: timedelta(0),
            CooldownReason.CAPACITY: CAPACITY_COOLDOWN,
        }[self]


class Preference(StrEnum):
    """What decides between pools that qualify."""

    SAFEST = "safest"
    CHEAPEST = "cheapest"


class Refusal(StrEnum):
    """Why a pool does not qualify."""

    OTHER_REGION = "other_region"
    OTHER_TYPE = "type_not_allowed"
    OWN_POOL = "own_pool"
    OTHER_AZ = "cut_over_needs_same_az"
    NO_SAVING = "not_cheaper_than_ondemand"
    STALE_PRICE = "stale_price"
    COOLING = "cooling_down"
    RISKY = "risk_above_threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOption:
    """A pool as a client sees it. Prices in USD per hour; ``risk`` is the chance of a loss in 1 h."""

    pool_number: int
    region: str
    instance_type: str
    az: str
    price: Decimal
    price_at: datetime
    risk: float
    cooling_until: datetime | None = None

    @property
    def name(self) -> str:
        """As the wire writes it."""
        return f"{self.instance_type}.{self.az}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is to be placed.

    Attributes:
        region: Where; never another.
        instance_types: Permitted types, the present one first.
        own_pools: Names of the pools to keep out of: the primary's, or those of its replicas.
        own_az: Where the primary stands; None when unknown.
        needs_same_az: The cut-over moves an interface or a volume, which stays in its zone.
        ondemand_price: USD per hour; None when unknown, then no pool is refused for its price.
        most_risk: Acceptable chance of a loss within an hour.
        is_emergency: Take what there is: rest, age of the price and risk put a pool further down
            the list, but not out of it.
        preference: What decides between pools.
    """

    region: str
    instance_types: Sequence[str]
    own_pools: frozenset[str] = frozenset()
    own_az: str | None = None
    needs_same_az: bool = False
    ondemand_price: Decimal | None = None
    most_risk: float = 0.30
    is_emergency: bool = False
    preference: Preference = Preference.SAFEST


@dataclass(frozen=True, slots=True)
class Choice:
    """A place in the list: a pool, or on-demand when ``pool`` is None.

    ``reasons`` are sentences for people; ``doubts`` are what an emergency overlooked.
    """

    pool: PoolOption | None
    reasons: tuple[str, ...]
    doubts: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where to try, first to last; on-demand is always there and always last."""

    choices: tuple[Choice, ...]
    refused: tuple[tuple[PoolOption, Refusal], ...]

    @property
    def spot(self) -> tuple[PoolOption, ...]:
        """The pools among the choices, in order."""
        return tuple(choice.pool for choice in self.choices if choice.pool is not None)


def rank_pools(options: Sequence[PoolOption], need: Need, *, now: datetime) -> Ranking:
    """Order the pools that qualify. The order of ``options`` does not matter."""
    refused: list[tuple[PoolOption, Refusal]] = []
    accepted: list[tuple[PoolOption, tuple[Refusal, ...]]] = []
    for option in sorted(options, key=lambda o: (o.name, o.pool_number)):
        hard = _hard_refusal(option, need)
        soft = _soft_refusals(option, need, now)
        if hard is not None:
            refused.append((option, hard))
        elif soft and not need.is_emergency:
            refused.append((option, soft[0]))
        else:
            accepted.append((option, soft))
    accepted.sort(key=lambda pair: _sort_key(pair[0], len(pair[1]), need))
    choices = [Choice(option, _reasons(option, soft, need), soft) for option, soft in accepted]
    return Ranking((*choices, Choice(None, (_ondemand_reason(accepted, refused),))), tuple(refused))


def spread(ranking: Ranking, position: int) -> tuple[Choice, ...]:
    """Return the list for one of many replacements that are placed in the same moment.

    Neighbours in the storm begin with different pools, so that they do not empty one after the
    other. Only undoubted pools that are as safe as the safest, by band, take turns; the rest keeps
    its order and on-demand stays last.

    Args:
        ranking: For all of them.
        position: Number of the replacement within the storm, from 0.
    """
    sound = [c for c in ranking.choices if c.pool is not None and not c.doubts]
    best = min((_band(c.pool.risk) for c in sound if c.pool), default=None)
    peers = [c for c in sound if c.pool and _band(c.pool.risk) == best]
    start = position % len(peers) if peers else 0
    rest = [choice for choice in ranking.choices if choice not in peers]
    return (*peers[start:], *peers[:start], *rest)


def _hard_refusal(option: PoolOption, need: Need) -> Refusal | None:
    checks = (
        (option.region != need.region, Refusal.OTHER_REGION),
        (option.instance_type not in need.instance_types, Refusal.OTHER_TYPE),
        (option.name in need.own_pools, Refusal.OWN_POOL),
        (need.needs_same_az and option.az != need.own_az, Refusal.OTHER_AZ),
        (
            need.ondemand_price is not None and option.price >= need.ondemand_price,
            Refusal.NO_SAVING,
        ),
    )
    return next((refusal for applies, refusal in checks if applies), None)


def _soft_refusals(option: PoolOption, need: Need, now: datetime) -> tuple[Refusal, ...]:
    checks = (
        (option.cooling_until is not None and option.cooling_until > now, Refusal.COOLING),
        (now - option.price_at > PRICE_FRESH, Refusal.STALE_PRICE),
        (option.risk > need.most_risk, Refusal.RISKY),
    )
    return tuple(refusal for applies, refusal in checks if applies)


def _sort_key(option: PoolOption, doubts: int, need: Need) -> tuple[object, ...]:
    # Instances of one zone share more than their pool: another zone comes first among equals.
    same_az = option.az == need.own_az
    type_rank = need.instance_types.index(option.instance_type)
    if need.preference is Preference.SAFEST:
        return doubts, _band(option.risk), same_az, option.price, type_rank, option.name
    return doubts, option.price, same_az, _band(option.risk), type_rank, option.name


def _band(risk: float) -> int:
    return sum(risk >= limit for limit in RISK_BANDS)


def _reasons(option: PoolOption, doubts: Sequence[Refusal], need: Need) -> tuple[str, ...]:
    reasons = [f"risk {option.risk:.1%} within an hour, {option.price} USD/h"]
    if need.ondemand_price:
        saving = 1 - option.price / need.ondemand_price
        reasons.append(f"saves {saving:.0%} of on-demand")
    if need.own_az is not None:
        reasons.append("same zone" if option.az == need.own_az else "another zone")
    reasons.extend(f"in an emergency in spite of {doubt.value}" for doubt in doubts)
    return tuple(reasons)


def _ondemand_reason(accepted: Sequence[object], refused: Sequence[object]) -> str:
    if accepted:
        return "on-demand, when no pool has capacity"
    return f"on-demand: none of {len(refused)} known pools qualifies"
