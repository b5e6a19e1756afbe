"""The savings ledger: what each instance of an agent cost, cut where hour, role or price changes.

A second counts once for each instance that EC2 ran in it, from launch to end. Nothing here rounds
but the two amounts of a row, half to even, to the eight digits that are stored; totals sum rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from backend.domain.ledger_prices import UNKNOWN, Price, PriceSteps
from backend.domain.ledger_terms import Takeover, Terms, terms_of

HOUR: Final = timedelta(hours=1)
MILLISECOND: Final = timedelta(milliseconds=1)
MILLISECONDS_PER_HOUR: Final = Decimal(3_600_000)
STORED: Final = Decimal("0.00000001")  # DECIMAL(18, 8)
NOTHING: Final = Decimal(0)


class CostRole(StrEnum):
    """What an instance was to its agent while the money ran."""

    PRIMARY = "primary"
    REPLICA = "replica"
    OVERLAP = "overlap"  # a successor before it takes over, or an old primary after


class CostMode(StrEnum):
    """How an instance is paid for."""

    SPOT = "spot"
    ONDEMAND = "ondemand"
    UNKNOWN = "unknown"  # an installed agent could not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One instance from EC2 launch to end.

    Attributes:
        instance_id: EC2's id.
        mode: How it is paid for.
        pool_id: The pool in the client's own words; None for on-demand.
        is_replica: It was launched to stand by.
        launched_at: Its first billed instant.
        ended_at: Its first instant that is not billed; None while it runs.
        interrupted_at: When EC2 took it, by an event on record; None when nobody or somebody else
            ended it, and when nobody knows when it was launched.
        seen_until: From then on nobody knows whether it runs, so nothing it costs is known; None
            when its end is known, or when there is no doubt.
        prices: What the instance itself costs.
        ondemand_prices: What its type costs on-demand.
    """

    instance_id: str
    mode: CostMode
    pool_id: str | None
    is_replica: bool
    launched_at: datetime
    ended_at: datetime | None
    interrupted_at: datetime | None = None
    seen_until: datetime | None = None
    prices: PriceSteps = field(default=UNKNOWN)
    ondemand_prices: PriceSteps = field(default=UNKNOWN)

    @property
    def free_until(self) -> datetime:
        """Before this instant the stay is free; its launch, unless EC2 took it within an hour."""
        end = self.launched_at + HOUR
        is_free = (
            self.mode is CostMode.SPOT
            and self.interrupted_at is not None
            and self.interrupted_at < end
        )
        return end if is_free else self.launched_at

    def is_seen(self, at: datetime) -> bool:
        """Whether somebody knows that it ran at an instant of its time."""
        return self.seen_until is None or at < self.seen_until


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """[starts_at, ends_at) of one instance, within one UTC hour, in one role and at one price.

    Attributes:
        instance_id: EC2's id.
        role: What it was to its agent.
        mode: How it was paid for.
        pool_id: The pool; None for on-demand.
        hour_at: The UTC hour that holds the row.
        starts_at: First instant.
        ends_at: First instant after.
        price: What it cost; None when nobody knows.
        ondemand_price: What its type cost on-demand; None when nobody knows.
        is_free: EC2 took it within its first hour and charges nothing for it.
    """

    instance_id: str
    role: CostRole
    mode: CostMode
    pool_id: str | None
    hour_at: datetime
    starts_at: datetime
    ends_at: datetime
    price: Price | None
    ondemand_price: Price | None
    is_free: bool

    @property
    def milliseconds(self) -> int:
        """How long the row lasts, 1 to 3,600,000."""
        return (self.ends_at - self.starts_at) // MILLISECOND

    @property
    def cost_usd(self) -> Decimal | None:
        """What EC2 charges; None when the price is unknown."""
        return NOTHING if self.is_free else _amount(self.price, self.milliseconds)

    @property
    def baseline_usd(self) -> Decimal | None:
        """What on-demand would have cost; only a primary would have run without this product."""
        if self.role is not CostRole.PRIMARY:
            return NOTHING
        return _amount(self.ondemand_price, self.milliseconds)

    @property
    def is_estimated(self) -> bool:
        """Whether an amount rests on a price that is missing or guessed, and may be corrected."""
        prices = [] if self.is_free else [self.price]
        if self.role is CostRole.PRIMARY:
            prices.append(self.ondemand_price)
        return any(price is None or price.is_estimated for price in prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums of rows in USD, not rounded further.

    Attributes:
        baseline_usd: What on-demand would have cost for the primaries' time.
        cost_usd: What was really paid, replicas and overlaps included.
        replica_usd: The part of the cost that standbys are.
        overlap_usd: The part of the cost that switches are: two hosts at once.
        unknown_milliseconds: How long rows lasted that no sum holds, for a missing price.
    """

    baseline_usd: Decimal = NOTHING
    cost_usd: Decimal = NOTHING
    replica_usd: Decimal = NOTHING
    overlap_usd: Decimal = NOTHING
    unknown_milliseconds: int = 0

    @property
    def savings_usd(self) -> Decimal:
        """What was saved; negative when more was paid than on-demand would have cost."""
        return self.baseline_usd - self.cost_usd


def hour_of(instant: datetime) -> datetime:
    """Return the beginning of the UTC hour that holds an instant."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def cut(
    stays: Iterable[Stay],
    takeovers: Iterable[Takeover],
    *,
    primary_id: str | None,
    since: datetime,
    until: datetime,
) -> list[CostRow]:
    """Return what every instance of one agent cost within [since, until), in order of time.

    Args:
        stays: Instances of the agent, each once.
        takeovers: The replacements of its primary since ``since``, in any order.
        primary_id: Who is primary today.
        since: First instant.
        until: First instant after; an instance without an end runs until then.
    """
    terms = terms_of(takeovers, primary_id=primary_id)
    rows = [row for stay in stays for row in _cut_stay(stay, terms, since=since, until=until)]
    return sorted(rows, key=lambda row: (row.starts_at, row.instance_id))


def add_up(rows: Iterable[CostRow]) -> Totals:
    """Sum rows. A row with a missing price counts on no side: half of it would be a lie."""
    cost = dict.fromkeys(CostRole, NOTHING)
    baseline, unknown = NOTHING, 0
    for row in rows:
        row_baseline, row_cost = row.baseline_usd, row.cost_usd
        if row_baseline is None or row_cost is None:
            unknown += row.milliseconds
            continue
        baseline += row_baseline
        cost[row.role] += row_cost
    return Totals(
        baseline_usd=baseline,
        cost_usd=sum(cost.values(), NOTHING),
        replica_usd=cost[CostRole.REPLICA],
        overlap_usd=cost[CostRole.OVERLAP],
        unknown_milliseconds=unknown,
    )


def _cut_stay(stay: Stay, terms: Terms, *, since: datetime, until: datetime) -> list[CostRow]:
    start = max(stay.launched_at, since)
    end = min(stay.ended_at or until, until)
    if start >= end:
        return []
    edges = set(terms.edges_of(stay.instance_id))
    edges.update(stay.prices.edges, stay.ondemand_prices.edges)
    edges.update(_hours_between(start, end))
    # The report of the end may come after the first hour; what it adds is not free.
    edges.add(stay.free_until)
    if stay.seen_until is not None:
        edges.add(stay.seen_until)
    cuts = [start, *sorted(edge for edge in edges if start < edge < end), end]
    return _join(
        CostRow(
            instance_id=stay.instance_id,
            role=_role(stay, terms, first),
            mode=stay.mode,
            pool_id=stay.pool_id,
            hour_at=hour_of(first),
            starts_at=first,
            ends_at=last,
            price=stay.prices.at(first) if stay.is_seen(first) else None,
            ondemand_price=stay.ondemand_prices.at(first) if stay.is_seen(first) else None,
            is_free=first < stay.free_until,
        )
        for first, last in pairwise(cuts)
    )


def _join(pieces: Iterable[CostRow]) -> list[CostRow]:
    """Put pieces together that differ in nothing but their time, within an hour."""
    rows: list[CostRow] = []
    for piece in pieces:
        if (
            rows
            and replace(piece, starts_at=rows[-1].starts_at, ends_at=rows[-1].ends_at) == (rows[-1])
        ):
            rows[-1] = replace(rows[-1], ends_at=piece.ends_at)
        else:
            rows.append(piece)
    return rows


def _role(stay: Stay, terms: Terms, at: datetime) -> CostRole:
    if terms.holds(stay.instance_id, at):
        return CostRole.PRIMARY
    is_standby = stay.is_replica and not terms.has_served(stay.instance_id, at)
    return CostRole.REPLICA if is_standby else CostRole.OVERLAP


def _hours_between(start: datetime, end: datetime) -> Sequence[datetime]:
    first = hour_of(start) + HOUR
    return [first + HOUR * n for n in range(max(-((first - end) // HOUR), 0))]


def _amount(price: Price | None, milliseconds: int) -> Decimal | None:
    if price is None:
        return None
    exact = price.usd_per_hour * milliseconds / MILLISECONDS_PER_HOUR
    return exact.quantize(STORED, rounding=ROUND_HALF_EVEN)
