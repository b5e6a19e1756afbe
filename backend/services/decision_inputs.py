"""What engine and guard are told of agents, built from a few set-based reads."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backend.db.session import Row, Session
from backend.domain.decision_limits import limits_from
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.engines.guard import Census, Standing
from backend.repositories import decision_facts
from backend.sef.pools import CooldownReason
from backend.sef.risk import FEWEST_WITNESSES, risk_of
from backend.sef.risk import PoolFacts as RiskFacts
from backend.services.pool_troubles import PoolTroubles
from decision_engines import contract
from decision_engines.trouble import REMEMBERED, Trouble

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
PASS = timedelta(minutes=5)
ONDEMAND_FRESH = timedelta(days=7)  # on-demand prices change once in years
MOST_CANDIDATES = 50

_Place = tuple[str, str, str]  # client, region, instance type


@dataclass(frozen=True, slots=True)
class Subject:
    """One agent to decide about: its row, what the engine is told, where it stands."""

    row: Row
    given: contract.DecisionInput
    standing: Standing


def pass_start(now: datetime) -> datetime:
    """Return when the pass of five minutes began that an instant lies in."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // PASS * PASS


def read_subjects(
    session: Session,
    *,
    now: datetime,
    client_id: str | None = None,
    agent_id: str | None = None,
) -> list[Subject]:
    """Read one agent, or every agent that engines may move. Nine statements, whatever the number."""
    rows = decision_facts.list_agents(session, client_id=client_id, agent_id=agent_id)
    if not rows:
        return []
    market = _Market(session, rows, now)
    counts = decision_facts.list_switch_counts(
        session, day_start=now - DAY, week_start=now - WEEK, agent_id=agent_id
    )
    frozen = decision_facts.list_frozen_agents(session, agent_id=agent_id)
    return [
        _subject(
            row,
            market,
            counts.get(row["agent_id"]),
            now,
            is_frozen=row["agent_id"] in frozen,
        )
        for row in rows
    ]


def read_census(session: Session, *, now: datetime, client_id: str | None = None) -> Census:
    """Count where all agents are, are going, and how many were moved in the present pass."""
    census = Census()
    for row in decision_facts.list_places(session, client_id=client_id):
        client, count = row["client_id"], int(row["agent_count"])
        census.agents[client] += count
        pool = pool_of(row["instance_type"], row["az"], Mode(row["mode"]))
        if row["mode"] == Mode.SPOT:
            census.spot_agents[client] += count
        if pool is not None:
            census.in_pool[client, pool] += count
    for row in decision_facts.list_destinations(session, client_id=client_id):
        census.in_pool[row["client_id"], row["pool_id"]] += int(row["agent_count"])
        census.spot_agents[row["client_id"]] += int(row["new_spot_count"])
    moved = decision_facts.list_moved(session, since=pass_start(now), client_id=client_id)
    census.moved.update({row["client_id"]: int(row["agent_count"]) for row in moved})
    return census


class _Market:
    """The pools and on-demand prices of some clients; agents share what they have in common."""

    def __init__(self, session: Session, rows: Sequence[Row], now: datetime) -> None:
        clients = {row["client_id"] for row in rows}
        types = {row["instance_type"] for row in rows}
        prices = decision_facts.list_ondemand_prices(
            session, clients=clients, instance_types=types, since=now - ONDEMAND_FRESH
        )
        self._ondemand: dict[_Place, Decimal] = {
            _place(row): row["price_usd_per_hour"] for row in prices
        }
        rest = Rest(decision_facts.list_troubles(session, now))
        past = decision_facts.list_past_troubles(session, since=now - REMEMBERED, now=now)
        troubles = PoolTroubles(past, now)
        pools: dict[_Place, dict[str, contract.PoolFacts]] = defaultdict(dict)
        for row in decision_facts.list_pools(session, clients=clients, instance_types=types):
            # Last reported first: of two pools of one name that one counts.
            trouble = troubles.of(row["client_id"], int(row["pool_number"]))
            facts = _pool(row, self._ondemand.get(_place(row)), rest, trouble, now)
            pools[_place(row)].setdefault(facts.pool_id, facts)
        self._pools = {
            place: tuple(sorted(found.values(), key=lambda pool: (pool.price, pool.pool_id)))
            for place, found in pools.items()
        }
        self._others: dict[tuple[_Place, str | None], tuple[contract.PoolFacts, ...]] = {}

    def ondemand_price(self, place: _Place) -> Decimal | None:
        return self._ondemand.get(place)

    def own_pool(self, place: _Place, name: str | None) -> contract.PoolFacts | None:
        return next((pool for pool in self._pools.get(place, ()) if pool.pool_id == name), None)

    def candidates(self, place: _Place, own: str | None) -> tuple[contract.PoolFacts, ...]:
        """Return the other pools; agents of one pool get the same tuple."""
        if (place, own) not in self._others:
            others = [pool for pool in self._pools.get(place, ()) if pool.pool_id != own]
            self._others[place, own] = tuple(others[:MOST_CANDIDATES])
        return self._others[place, own]


class Rest:
    """Until when pools rest, as each client sees it.

    After its own trouble, and after an interruption that two clients met.
    """

    def __init__(self, troubles: Iterable[Row]) -> None:
        self._own: dict[tuple[str, int], datetime] = {}
        self._all: dict[int, datetime] = {}
        witnesses: dict[int, set[str]] = defaultdict(set)
        for row in troubles:
            client, pool, ends_at = row["client_id"], int(row["pool_id"]), row["ends_at"]
            self._own[client, pool] = max(ends_at, self._own.get((client, pool), ends_at))
            self._all[pool] = max(ends_at, self._all.get(pool, ends_at))
            if row["reason"] == CooldownReason.INTERRUPTION:
                witnesses[pool].add(client)
        self._shared = {
            pool for pool, clients in witnesses.items() if len(clients) >= FEWEST_WITNESSES
        }

    def until(self, client_id: str, pool_number: int) -> datetime | None:
        """Return the end of the pool's rest for a client; None when it does not rest."""
        own = self._own.get((client_id, pool_number))
        if own is not None:
            return own
        return self._all[pool_number] if pool_number in self._shared else None


def _place(row: Mapping[str, str]) -> _Place:
    return row["client_id"], row["region"], row["instance_type"]


def _pool(
    row: Row, ondemand: Decimal | None, rest: Rest, trouble: Trouble, now: datetime
) -> contract.PoolFacts:
    price, price_at = row["price_usd_per_hour"], row["observed_at"]
    agreed_at = row["agreed_at"]
    # A client's own report comes first; what others agree on fills in where that is old.
    if now - price_at > contract.PRICE_FRESH and agreed_at is not None and agreed_at > price_at:
        price, price_at = row["agreed_price_usd_per_hour"], agreed_at
    last_loss_at = row["last_loss_at"]
    volatility = row["volatility_ratio"]
    facts = RiskFacts(
        age=None if last_loss_at is None else max(now - last_loss_at, timedelta(0)),
        decayed_losses=float(row["decayed_loss_count"] or 0),
        decayed_capacity_errors=float(row["decayed_capacity_error_count"] or 0),
        price_ratio=float(price / ondemand) if ondemand else None,
        volatility=None if volatility is None else float(volatility),
    )
    return contract.PoolFacts(
        pool_id=f"{row['instance_type']}.{row['az']}",
        az=row["az"],
        price=price,
        price_at=price_at,
        risk=risk_of(facts),
        last_loss_at=last_loss_at,
        decayed_losses=facts.decayed_losses,
        decayed_capacity_errors=facts.decayed_capacity_errors,
        volatility=facts.volatility,
        cooling_until=rest.until(row["client_id"], int(row["pool_number"])),
        trouble=trouble,
    )


def _subject(
    row: Row,
    market: _Market,
    counts: Row | None,
    now: datetime,
    *,
    is_frozen: bool,
) -> Subject:
    place = _place(row)
    own = pool_of(row["instance_type"], row["az"], Mode(row["mode"]))
    limits = limits_from(row)
    # A replica has been in its pool for longer than it has been the primary.
    since = row["launched_at"] or row["role_changed_at"]
    given = contract.DecisionInput(
        agent_id=row["agent_id"],
        instance_id=row["instance_id"],
        instance_type=row["instance_type"],
        region=row["region"],
        az=row["az"],
        mode=contract.Mode(row["mode"]),
        now=now,
        ondemand_price=market.ondemand_price(place),
        own_pool=market.own_pool(place, own) if own else None,
        candidates=market.candidates(place, own),
        in_place_for=max(now - since, timedelta(0)),
        last_switch_at=_latest(row["last_switch_at"], row["last_failover_at"]),
        switches_last_day=int(counts["day_count"]) if counts else 0,
        switches_last_week=int(counts["week_count"]) if counts else 0,
        min_saving_percent=float(limits.min_savings_percent),
        risk_threshold=float(limits.risk_threshold),
    )
    standing = Standing(
        client_id=row["client_id"],
        limits=limits,
        is_enabled=bool(row["enabled"]) and row["client_status"] == "active",
        is_auto_switch=bool(row["auto_switch_enabled"]),
        is_online=row["status"] == "online",
        has_identity_conflict=row["identity_conflict_at"] is not None,
        is_frozen=is_frozen,
        has_open_switch=bool(counts and counts["open_count"]),
    )
    return Subject(row, given, standing)


def _latest(*instants: datetime | None) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)
