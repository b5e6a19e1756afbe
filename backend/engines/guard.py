"""The hard limits of voluntary moves. Pure; no engine can override them.

A pass judges the moves of many agents, the best first, so that the limits of a client as a whole
(its share in one pool, the agents moved at once) go to those that gain most. Every refusal is kept
with its reason, and all that apply, not only the first.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from backend.domain.decision_limits import DecisionLimits
from decision_engines.contract import Action, Decision, DecisionInput, Mode, PoolFacts


class Refusal(StrEnum):
    """Why a move is not made."""

    DISABLED = "agent_disabled"
    AUTO_SWITCH_OFF = "auto_switch_off"
    OFFLINE = "agent_offline"
    IDENTITY_CONFLICT = "identity_conflict"
    FROZEN = "frozen"
    OPEN_SWITCH = "switch_open"
    WINDOW = "outside_maintenance_window"
    MIN_STAY = "min_stay"
    DAY_LIMIT = "switches_per_day"
    WEEK_LIMIT = "switches_per_week"
    UNKNOWN_PRICE = "unknown_price"
    STALE_PRICE = "stale_price"
    MIN_SAVING = "min_saving"
    NO_BENEFIT = "dearer_and_riskier"
    RISK = "risk_threshold"
    COOLING = "pool_cooling_down"
    UNPROVED = "pool_not_proved_stable"
    POOL_SHARE = "pool_share"
    MOVED = "moved_in_one_pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the guard must know of an agent besides the engine's input.

    Attributes:
        client_id: Its tenant: shares are counted within one.
        limits: The agent's own limits.
        is_enabled: The agent's switch, and its client's.
        is_auto_switch: Whether engines may move it.
        is_online: Whether its primary is heard.
        has_identity_conflict: Two instances claim to be this agent.
        is_frozen: Voluntary actions are stopped for it.
        has_open_switch: A switch is under way.
    """

    client_id: str
    limits: DecisionLimits
    is_enabled: bool = True
    is_auto_switch: bool = True
    is_online: bool = True
    has_identity_conflict: bool = False
    is_frozen: bool = False
    has_open_switch: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says. ``pools`` are the permitted ones in order, for a move to spot.

    ``refusals`` holds (reason, sentence) pairs; empty when the move may be made, and for a stay.
    """

    is_allowed: bool
    refusals: tuple[tuple[Refusal, str], ...] = ()
    pools: tuple[str, ...] = ()


@dataclass
class Census:
    """Where the agents of all clients are, counted; a pass adds what it permits.

    Attributes:
        agents: Agents of each client.
        spot_agents: Of these on spot, or on their way.
        in_pool: Of each client and pool, those there and those on their way.
        moved: Agents of each client whose move began in this pass.
    """

    agents: Counter[str] = field(default_factory=Counter)
    spot_agents: Counter[str] = field(default_factory=Counter)
    in_pool: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)


Case = tuple[DecisionInput, Standing, Decision]


def judge(cases: Sequence[Case], census: Census) -> list[Verdict]:
    """Judge the moves of one pass; return a verdict for each case, in the given order.

    Args:
        cases: What was known, where the agent stands, and what is advised.
        census: Counted up by every permitted move.
    """
    verdicts = [Verdict(is_allowed=False)] * len(cases)
    moves = [index for index, case in enumerate(cases) if case[2].action is not Action.STAY]
    for index in sorted(moves, key=lambda number: _merit(*cases[number])):
        verdicts[index] = _judge_move(*cases[index], census)
    return verdicts


def most_in_pool(limits: DecisionLimits, spot_agents: int) -> int:
    """Return how many of so many spot agents one pool may hold; never less than one."""
    return max(1, math.ceil(spot_agents * limits.max_pool_share_percent / 100))


def most_moved(limits: DecisionLimits, agents: int) -> int:
    """Return how many of so many agents one pass may move; never less than one."""
    return max(1, math.ceil(agents * limits.max_moved_percent / 100))


def _merit(given: DecisionInput, standing: Standing, decision: Decision) -> tuple[object, ...]:
    """Sort key: those in danger first, then those that save most, then by name."""
    is_endangered = decision.risk > standing.limits.risk_threshold
    return not is_endangered, -decision.expected_saving_usd_per_hour, given.agent_id


def _judge_move(
    given: DecisionInput, standing: Standing, decision: Decision, census: Census
) -> Verdict:
    found = [*_about_agent(given, standing), *_about_prices(given, standing.limits)]
    pools: list[str] = []
    if decision.action is Action.SWITCH_SPOT:
        pools, about_pools = _permitted_pools(given, standing, decision, census)
        found.extend(about_pools)
    client = standing.client_id
    most = most_moved(standing.limits, census.agents[client])
    if census.moved[client] >= most:
        found.append((Refusal.MOVED, f"{most} agents are moved in one pass, the most allowed"))
    if found:
        return Verdict(is_allowed=False, refusals=tuple(found))
    _count(given, client, pools, census)
    return Verdict(is_allowed=True, pools=tuple(pools))


def _count(given: DecisionInput, client: str, pools: Sequence[str], census: Census) -> None:
    census.moved[client] += 1
    if pools:
        # The place that is left counts until it is really left.
        census.in_pool[client, pools[0]] += 1
        census.spot_agents[client] += given.mode is not Mode.SPOT


def _about_agent(given: DecisionInput, standing: Standing) -> Iterable[tuple[Refusal, str]]:
    limits = standing.limits
    stay = given.in_place_for
    checks = (
        (not standing.is_enabled, Refusal.DISABLED, "the agent is disabled"),
        (not standing.is_auto_switch, Refusal.AUTO_SWITCH_OFF, "auto-switch is off"),
        (not standing.is_online, Refusal.OFFLINE, "the agent is not heard"),
        (
            standing.has_identity_conflict,
            Refusal.IDENTITY_CONFLICT,
            "two instances claim to be this agent",
        ),
        (standing.is_frozen, Refusal.FROZEN, "voluntary actions are frozen"),
        (standing.has_open_switch, Refusal.OPEN_SWITCH, "a switch is under way already"),
        (
            not limits.is_welcome(given.now),
            Refusal.WINDOW,
            "it is outside of the maintenance windows",
        ),
        (
            stay < limits.min_stay,
            Refusal.MIN_STAY,
            f"there for {_minutes(stay)} min, at least {_minutes(limits.min_stay)} are asked",
        ),
        (
            given.switches_last_day >= limits.max_switches_per_day,
            Refusal.DAY_LIMIT,
            f"{given.switches_last_day} switches in 24 h, at most {limits.max_switches_per_day}",
        ),
        (
            given.switches_last_week >= limits.max_switches_per_week,
            Refusal.WEEK_LIMIT,
            f"{given.switches_last_week} switches in 7 days, at most"
            f" {limits.max_switches_per_week}",
        ),
    )
    return [(refusal, sentence) for applies, refusal, sentence in checks if applies]


def _about_prices(given: DecisionInput, limits: DecisionLimits) -> Iterable[tuple[Refusal, str]]:
    if given.ondemand_price is None:
        return [(Refusal.UNKNOWN_PRICE, "the on-demand price is unknown")]
    if given.mode is Mode.ONDEMAND:
        return []
    own = given.own_pool
    if own is None:
        return [(Refusal.UNKNOWN_PRICE, "the price of the present pool is unknown")]
    return _staleness(own, given, limits)


def _staleness(
    pool: PoolFacts, given: DecisionInput, limits: DecisionLimits
) -> list[tuple[Refusal, str]]:
    age = given.now - pool.price_at
    if age <= timedelta(seconds=limits.max_price_age_seconds):
        return []
    sentence = (
        f"the price of {pool.pool_id} is {_minutes(age)} min old,"
        f" at most {limits.max_price_age_seconds // 60} are allowed"
    )
    return [(Refusal.STALE_PRICE, sentence)]


def _permitted_pools(
    given: DecisionInput, standing: Standing, decision: Decision, census: Census
) -> tuple[list[str], list[tuple[Refusal, str]]]:
    """Return the pools that may be tried, in the engine's order; nothing if its first may not."""
    known = {pool.pool_id: pool for pool in given.candidates}
    names = list(dict.fromkeys((decision.target_pool_id or "", *decision.alternatives)))
    refusals = {
        name: _about_pool(known[name], given, standing, census, decision)
        for name in names
        if name in known
    }
    first = refusals.get(names[0], [(Refusal.UNKNOWN_PRICE, f"the pool {names[0]} is unknown")])
    if first:
        return [], first
    return [name for name, found in refusals.items() if not found], []


def _about_pool(
    pool: PoolFacts,
    given: DecisionInput,
    standing: Standing,
    census: Census,
    decision: Decision,
) -> list[tuple[Refusal, str]]:
    limits = standing.limits
    found = _staleness(pool, given, limits)
    saving = _saving_percent(pool, given)
    if saving is not None and saving < limits.min_savings_percent:
        sentence = (
            f"{pool.pool_id} saves {saving:.1f} %, at least {limits.min_savings_percent} asked"
        )
        found.append((Refusal.MIN_SAVING, sentence))
    if _is_pointless(pool, given, decision):
        found.append((Refusal.NO_BENEFIT, f"{pool.pool_id} is neither cheaper nor safer"))
    if pool.risk > limits.risk_threshold:
        sentence = f"risk of {pool.pool_id} is {pool.risk:.2f}, at most {limits.risk_threshold}"
        found.append((Refusal.RISK, sentence))
    if pool.cooling_until is not None and pool.cooling_until > given.now:
        sentence = f"{pool.pool_id} rests until {pool.cooling_until:%H:%M} UTC after trouble"
        found.append((Refusal.COOLING, sentence))
    found.extend(_stability(pool, given, limits))
    found.extend(_share(pool, given, standing, census))
    return found


def _is_pointless(pool: PoolFacts, given: DecisionInput, decision: Decision) -> bool:
    """Whether the pool is no better than the present one, whoever reckons the risk."""
    own = given.own_pool
    if own is None or pool.price < own.price or pool.risk < own.risk:
        return False
    is_target = pool.pool_id == decision.target_pool_id
    claimed = decision.target_risk
    return not (is_target and claimed is not None and claimed < decision.risk)


def _stability(
    pool: PoolFacts, given: DecisionInput, limits: DecisionLimits
) -> list[tuple[Refusal, str]]:
    if given.mode is Mode.SPOT or pool.last_loss_at is None:
        return []
    calm = given.now - pool.last_loss_at
    if calm >= timedelta(minutes=limits.return_stable_minutes):
        return []
    sentence = (
        f"{pool.pool_id} lost instances {_minutes(calm)} min ago,"
        f" {limits.return_stable_minutes} min without a loss are asked"
    )
    return [(Refusal.UNPROVED, sentence)]


def _share(
    pool: PoolFacts, given: DecisionInput, standing: Standing, census: Census
) -> list[tuple[Refusal, str]]:
    client = standing.client_id
    spot_agents = census.spot_agents[client] + (given.mode is not Mode.SPOT)
    most = most_in_pool(standing.limits, spot_agents)
    if census.in_pool[client, pool.pool_id] < most:
        return []
    sentence = f"{pool.pool_id} may hold {most} of {spot_agents} spot agents of this client"
    return [(Refusal.POOL_SHARE, sentence)]


def _saving_percent(pool: PoolFacts, given: DecisionInput) -> Decimal | None:
    if not given.ondemand_price:
        return None
    return (1 - pool.price / given.ondemand_price) * 100


def _minutes(span: timedelta) -> int:
    return int(span / timedelta(minutes=1))
