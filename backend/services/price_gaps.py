"""Long gaps in price series: agents are asked for EC2's own record, and the answers fill them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.prices import MAX_LEAD, validate_price
from backend.errors import InvalidRequest, NotFound
from backend.repositories import price_gaps
from backend.repositories.price_gaps import HistoryPoint
from backend.sef.gaps import HISTORY_KEPT, MOST_ASKS, Ask, GapOutcome, GapStatus, plan_ask
from backend.sef.quality import Point, backfill, grid_between

logger = logging.getLogger(__name__)

GAPS_PER_ASK = 20  # one DescribeSpotPriceHistory answers several pools
MOST_HISTORY = 10_000  # prices in an answer: 90 days of a lively pool have fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRequest:
    """What an agent is asked to look up: one pool, from one clean point to the next."""

    gap_id: int
    instance_type: str
    az: str
    region: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAnswer:
    """What DescribeSpotPriceHistory said for one gap.

    Attributes:
        gap_id: As it was asked.
        answered_from: Start of the span that the API was asked for, inclusive.
        answered_until: Its end, inclusive.
        history: (instant, USD per hour) in any order; the one in force at the start is among them.
    """

    gap_id: int
    answered_from: datetime
    answered_until: datetime
    history: Sequence[tuple[datetime, Decimal]]


class PriceGaps:
    """Asks and closes gaps. Asked is once, then again after growing waits, four times at most."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._max_price = settings.max_price_usd_per_hour

    def ask(self, client_id: str, agent_id: str, region: str) -> list[GapRequest]:
        """Return what this agent should look up, and note that it was asked.

        Of several agents that come at once each gap goes to one.
        """
        now = self._clock.now()
        due = self._database.run(
            "list_due_gaps",
            lambda s: price_gaps.list_due_gaps(
                s, client_id=client_id, region=region, now=now, limit=GAPS_PER_ASK
            ),
        )
        return [_request(gap) for gap in due if self._claim(gap, client_id, agent_id, now)]

    def answer(self, client_id: str, agent_id: str, instance_id: str, answer: HistoryAnswer) -> int:
        """Keep an answer and fill what it covers; return how many points that gave. Idempotent.

        Raises:
            NotFound: the client has no such gap.
            InvalidRequest: a span that ends before it begins or in the future, too many prices,
                a price out of range, or one from after the span.
        """
        now = self._clock.now()
        history = self._checked(answer, now)

        def work(tx: Transaction) -> int:
            gap = price_gaps.find_gap(tx, client_id, answer.gap_id)
            if gap is None:
                raise NotFound("Unknown price gap", field="gap_id")
            if gap["status"] == GapStatus.CLOSED:
                return 0
            price_gaps.insert_history(
                tx,
                client_id=client_id,
                pool_id=gap["pool_id"],
                agent_id=agent_id,
                instance_id=instance_id,
                history=[(point.at, point.price) for point in history],
                now=now,
            )
            fills = self._fill(tx, client_id, gap, answer, history, now)
            tx.commit()
            return fills

        return self._database.transact("answer_gap", work)

    def give_up(self, now: datetime) -> int:
        """Abandon the gaps that nobody can or will answer; return how many."""
        return self._database.run(
            "give_up_gaps",
            lambda s: price_gaps.give_up_gaps(
                s, now=now, oldest=now - HISTORY_KEPT, most_asks=MOST_ASKS
            ),
        )

    def _claim(self, gap: Row, client_id: str, agent_id: str, now: datetime) -> bool:
        plan = plan_ask(ask_count=gap["ask_count"], last_point_at=gap["last_point_at"], now=now)
        if not isinstance(plan, Ask):
            return False
        return self._database.run(
            "claim_ask",
            lambda s: price_gaps.claim_ask(
                s, gap, client_id=client_id, agent_id=agent_id, now=now, until=plan.next_ask_at
            ),
        )

    def _fill(
        self,
        tx: Transaction,
        client_id: str,
        gap: Row,
        answer: HistoryAnswer,
        history: Sequence[Point],
        now: datetime,
    ) -> int:
        grid = grid_between(gap["last_point_at"], gap["next_point_at"])
        fills = backfill(
            grid,
            history,
            answered_from=answer.answered_from,
            answered_until=answer.answered_until,
        )
        price_gaps.insert_fills(
            tx,
            client_id=client_id,
            pool_id=gap["pool_id"],
            fills=[HistoryPoint(fill.at, fill.price, fill.before.at) for fill in fills],
            now=now,
        )
        price_gaps.record_answer(
            tx,
            gap["id"],
            answered_from=answer.answered_from,
            answered_until=answer.answered_until,
            end=_end(gap, answer, is_whole=len(fills) == len(grid), has_any=bool(history)),
            now=now,
        )
        return len(fills)

    def _checked(self, answer: HistoryAnswer, now: datetime) -> list[Point]:
        if not answer.answered_from < answer.answered_until <= now + MAX_LEAD:
            raise InvalidRequest(
                "answered_from must lie before answered_until, and that not in the future",
                field="answered_until",
            )
        if len(answer.history) > MOST_HISTORY:
            raise InvalidRequest(
                f"an answer may hold at most {MOST_HISTORY} prices", field="history"
            )
        points = set()
        for at, value in answer.history:
            price = validate_price(value, max_price=self._max_price, field="history")
            if price is None or at > answer.answered_until:
                raise InvalidRequest(
                    "a price of history must be above 0 and from before answered_until",
                    field="history",
                )
            points.add(Point(at, price))
        return sorted(points)


def _request(gap: Row) -> GapRequest:
    return GapRequest(
        gap_id=gap["id"],
        instance_type=gap["instance_type"],
        az=gap["az"],
        region=gap["region"],
        since=gap["last_point_at"],
        until=gap["next_point_at"],
    )


def _end(
    gap: Row, answer: HistoryAnswer, *, is_whole: bool, has_any: bool
) -> tuple[str, str] | None:
    """Tell how the answer ends the gap, or None: then somebody is asked again."""
    if is_whole:
        return GapStatus.CLOSED, GapOutcome.HISTORY
    covers = (
        answer.answered_from <= gap["last_point_at"]
        and answer.answered_until >= gap["next_point_at"]
    )
    if covers and not has_any:
        return GapStatus.ABANDONED, GapOutcome.NO_HISTORY
    return None
