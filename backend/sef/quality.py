"""What raw prices are worth: clean points, gaps, and what may stand in a gap.

The procedures ``dedup_pricing`` and ``interpolate_pricing`` apply the same rules to whole tables;
here they stand where they can be read and proved, and the tests hold one against the other.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from backend.domain.prices import BUCKET, PriceSource

AGREEMENT: Final = Decimal("1.005")  # the dearer may cost this many times the cheaper: 0.5 %
LONGEST_STEP: Final = timedelta(minutes=10)  # between two points that no gap lies between
LONGEST_FILL: Final = timedelta(minutes=30)  # of a gap that may be filled with a line
FEWEST_VOTERS: Final = 2  # clients that must agree before others believe them
_STEP: Final = Decimal("0.000001")  # USD per hour


class CleanSource(StrEnum):
    """The best observer behind a clean point; ``agreed`` is what several clients say alike."""

    PRIMARY = "primary"
    REPLICA = "replica"
    OTHER = "other"
    AGREED = "agreed"


class FillMethod(StrEnum):
    """How a point came to be that nobody observed."""

    LINEAR = "linear"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPrice:
    """One reported price in USD per hour; ``report_count`` is how often its slot was reported."""

    client_id: str
    pool_id: int
    bucket_at: datetime
    price: Decimal
    source: PriceSource
    report_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanPoint:
    """The price of a pool in a bucket, USD per hour, with where it comes from.

    Attributes:
        client_id: Whose reports it is made of; None for what clients agree on.
        sample_count: Raw rows behind it; for an agreement, the clients.
        spread: Highest less lowest price behind it.
        is_discrepant: The samples differ by more than 0.5 %.
    """

    client_id: str | None
    pool_id: int
    bucket_at: datetime
    price: Decimal
    source: CleanSource
    sample_count: int
    report_count: int
    spread: Decimal
    is_discrepant: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One instant of a pool's price, USD per hour."""

    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Gap:
    """More than ten minutes without a clean point, between two that belong to it."""

    last: Point
    next: Point

    @property
    def duration(self) -> timedelta:
        """From point to point."""
        return self.next.at - self.last.at

    @property
    def is_fillable(self) -> bool:
        """Whether a line through it is still a fair guess."""
        return self.duration <= LONGEST_FILL

    @property
    def grid(self) -> list[datetime]:
        """The five-minute instants strictly inside, ascending."""
        return grid_between(self.last.at, self.next.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A point that nobody observed, and the observations that it rests on.

    ``after`` is None for history: EC2's own record, the price ``before`` still held.
    """

    at: datetime
    price: Decimal
    method: FillMethod
    before: Point
    after: Point | None


def grid_between(last: datetime, following: datetime) -> list[datetime]:
    """Return the five-minute instants strictly between two points of the grid, ascending."""
    return [last + BUCKET * n for n in range(1, -((last - following) // BUCKET))]


def agree(one: Decimal, other: Decimal) -> bool:
    """Tell whether two prices are the same within 0.5 %, the limit included."""
    return max(one, other) <= min(one, other) * AGREEMENT


def deduplicate(raws: Iterable[RawPrice]) -> list[CleanPoint]:
    """Make one point of the reports of each (client, pool, bucket), in no particular order.

    History is no observation and takes no part. The order of the reports does not matter.
    """
    groups: dict[tuple[str, int, datetime], list[RawPrice]] = defaultdict(list)
    for raw in raws:
        if raw.source is not PriceSource.HISTORY:
            groups[raw.client_id, raw.pool_id, raw.bucket_at].append(raw)
    return [_clean_point(samples) for samples in groups.values()]


def find_agreements(points: Iterable[CleanPoint]) -> list[CleanPoint]:
    """Make the points that clients agree on, of their own points of pools that they share.

    Each client has one vote for each bucket, and none where its own reports are at odds. The
    price is the mean of those within 0.5 % of the (lower) median, if they are at least two and
    more than half of the voters. A client that lacks a point of its own did not vote: for it, all
    who agree are others.
    """
    votes: dict[tuple[int, datetime], list[CleanPoint]] = defaultdict(list)
    for point in points:
        if point.client_id is not None and not point.is_discrepant:
            votes[point.pool_id, point.bucket_at].append(point)
    found = (_agreement(voters) for voters in votes.values())
    return [point for point in found if point is not None]


def series_of(client_id: str, pool_id: int, points: Iterable[CleanPoint]) -> list[Point]:
    """Return what a client sees of a pool, ascending: its own points before agreed ones."""
    seen: dict[datetime, Point] = {}
    for point in sorted(points, key=lambda p: p.client_id is not None):
        if point.pool_id == pool_id and point.client_id in (None, client_id):
            seen[point.bucket_at] = Point(point.bucket_at, point.price)
    return sorted(seen.values())


def find_gaps(points: Sequence[Point]) -> list[Gap]:
    """Return the gaps of one series; ``points`` ascend. What lies before or after is no gap."""
    return [Gap(last, then) for last, then in pairwise(points) if then.at - last.at > LONGEST_STEP]


def fill_linearly(gap: Gap) -> list[Fill]:
    """Draw a line by time through a gap of at most 30 minutes; a longer one stays as it is."""
    if not gap.is_fillable:
        return []
    steps = gap.duration // BUCKET
    return [
        Fill(
            at=at,
            price=_rounded(
                (gap.last.price * (steps - n) + gap.next.price * n) / Decimal(steps),
            ),
            method=FillMethod.LINEAR,
            before=gap.last,
            after=gap.next,
        )
        for n, at in enumerate(gap.grid, 1)
    ]


def backfill(
    grid: Iterable[datetime],
    history: Iterable[Point],
    *,
    answered_from: datetime,
    answered_until: datetime,
) -> list[Fill]:
    """Fill the inside of a gap from EC2's price history, which is a step function.

    Args:
        grid: The instants to fill, see ``grid_between``.
        history: Price changes (and repeats) of the pool, in any order.
        answered_from: Start of the span that the API answered for, inclusive.
        answered_until: Its end, inclusive.

    Returns:
        One point for each grid instant inside the span, once a price is known to hold: nothing is
        carried back before the first price, nor on beyond the span.
    """
    changes = sorted(set(history))
    fills = []
    for at in grid:
        known = bisect_right(changes, at, key=lambda change: change.at)
        if known and answered_from <= at <= answered_until:
            holding = changes[known - 1]
            fills.append(
                Fill(
                    at=at,
                    price=holding.price,
                    method=FillMethod.HISTORY,
                    before=holding,
                    after=None,
                )
            )
    return fills


def _clean_point(samples: Sequence[RawPrice]) -> CleanPoint:
    prices = [sample.price for sample in samples]
    return CleanPoint(
        client_id=samples[0].client_id,
        pool_id=samples[0].pool_id,
        bucket_at=samples[0].bucket_at,
        price=_mean(prices),
        source=_best_source({sample.source for sample in samples}),
        sample_count=len(samples),
        report_count=sum(sample.report_count for sample in samples),
        spread=max(prices) - min(prices),
        is_discrepant=not agree(max(prices), min(prices)),
    )


def _best_source(sources: set[PriceSource]) -> CleanSource:
    ranks: Mapping[PriceSource, CleanSource] = {
        PriceSource.PRIMARY: CleanSource.PRIMARY,
        PriceSource.REPLICA: CleanSource.REPLICA,
    }
    return next((ranks[source] for source in ranks if source in sources), CleanSource.OTHER)


def _agreement(voters: Sequence[CleanPoint]) -> CleanPoint | None:
    median = sorted(voter.price for voter in voters)[(len(voters) - 1) // 2]
    united = [voter for voter in voters if agree(voter.price, median)]
    if len(united) < FEWEST_VOTERS or len(united) * 2 <= len(voters):
        return None
    prices = [voter.price for voter in united]
    return CleanPoint(
        client_id=None,
        pool_id=united[0].pool_id,
        bucket_at=united[0].bucket_at,
        price=_mean(prices),
        source=CleanSource.AGREED,
        sample_count=len(united),
        report_count=sum(voter.report_count for voter in united),
        spread=max(prices) - min(prices),
    )


def _mean(prices: Sequence[Decimal]) -> Decimal:
    return _rounded(sum(prices, Decimal(0)) / len(prices))


def _rounded(price: Decimal) -> Decimal:
    """Round to six digits, halves up: as the database does."""
    return price.quantize(_STEP, rounding=ROUND_HALF_UP)
