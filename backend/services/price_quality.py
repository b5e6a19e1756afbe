"""Raw prices become clean ones; how good they are, per pool and day."""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from backend.db.database import Database
from backend.db.session import Row
from backend.domain.prices import BUCKET
from backend.repositories import clean_prices, price_reports

logger = logging.getLogger(__name__)

DEDUP_JOB = "dedup_prices"
INTERPOLATE_JOB = "interpolate_prices"
RAW_KEPT = timedelta(hours=48)  # as in purge_expired: older reports are gone
CLEAN_KEPT = timedelta(days=400)
# Reports become visible after the instant they carry, and nodes' clocks differ a little: what a
# run may have missed, the next one reads again. To read twice changes nothing.
DEDUP_OVERLAP = timedelta(minutes=2)
INTERPOLATE_OVERLAP = timedelta(minutes=10)  # a clean point carries the instant its job began
UNFOLDED_REPORTS = 2_000  # a call, and so a transaction: about a tenth of a second
SLICE_REPORTS = 200_000  # raw rows a call: one to two seconds, far below the read timeout
DISCREPANT_WITHIN = timedelta(hours=1)
TELL_AGAIN_AFTER = timedelta(hours=6)
MOST_POOLS = 10_000
MOST_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class DayQuality:
    """What a client's view of one pool is made of, on one UTC day.

    Counts are of five-minute buckets. Those before the client first heard of the pool, and those
    still to come, are not expected.
    """

    pool_id: str
    pool_number: int
    day: date
    expected: int
    normal: int = 0
    averaged: int = 0
    interpolated: int = 0
    history: int = 0

    @property
    def gap(self) -> int:
        """Buckets with no point at all."""
        return max(
            self.expected - self.normal - self.averaged - self.interpolated - self.history, 0
        )

    def share(self, count: int) -> float:
        """Return a count as a part of what is expected, 0 to 1."""
        return count / self.expected if self.expected else 0.0


class PriceQuality:
    """Set-based upkeep of the clean prices, and figures about them. Every method is idempotent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def deduplicate(self, *, now: datetime, since: datetime | None = None) -> int:
        """Make clean points of the reports received since the last finished run; return how many.

        Pending reports are unfolded first: a run that fails there has not finished, and the next
        one starts from the same instant.

        Args:
            now: The present instant; later reports wait for the next run.
            since: Start from here instead (exclusive).
        """
        self.unfold_reports()
        start = since or self._watermark(DEDUP_JOB, now, DEDUP_OVERLAP, RAW_KEPT)
        count = 0
        for begin, end in self._slices(start, now):
            count += self._database.run(
                "dedup_pricing",
                lambda s, begin=begin, end=end: clean_prices.dedup_pricing(  # type: ignore[misc]
                    s, now=now, since=begin, until=end
                ),
            )
        self._report_discrepancies(now)
        return count

    def unfold_reports(self) -> int:
        """Spread the reports that came in over the price tables; return how many there were.

        They become raw rows, and the newest of them the client's current prices.
        """
        count, taken = 0, UNFOLDED_REPORTS
        while taken == UNFOLDED_REPORTS:
            taken = self._database.run(
                "unfold_price_reports",
                lambda s: price_reports.unfold_price_reports(s, limit=UNFOLDED_REPORTS),
            )
            count += taken
        return count

    def interpolate(self, *, now: datetime, since: datetime | None = None) -> int:
        """Fill and record gaps around the points that changed since the last finished run.

        Args:
            now: The present instant.
            since: Start from here instead (exclusive).

        Returns:
            How many fills and long gaps the series that were looked at have.
        """
        start = since or self._watermark(INTERPOLATE_JOB, now, INTERPOLATE_OVERLAP, CLEAN_KEPT)
        return self._database.run(
            "interpolate_pricing",
            lambda s: clean_prices.interpolate_pricing(s, now=now, since=start, until=now),
        )

    def list_quality(
        self, client_id: str, *, first_day: date, last_day: date, now: datetime
    ) -> list[DayQuality]:
        """Return the figures of a client's pools, by pool and day.

        At most 31 days are looked at, the last ones; days before a pool was known are left out.
        """
        first_day = max(first_day, last_day - timedelta(days=MOST_DAYS - 1))
        starts = self._database.run(
            "list_series_starts",
            lambda s: clean_prices.list_series_starts(s, client_id=client_id, limit=MOST_POOLS),
        )
        rows = self._database.run(
            "list_day_quality",
            lambda s: clean_prices.list_day_quality(
                s,
                client_id=client_id,
                first_day=first_day,
                last_day=last_day,
                limit=MOST_POOLS * MOST_DAYS,
            ),
        )
        counts = {(row["pool_id"], row["day_on"]): row for row in rows}
        days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
        found = (_quality(pool, day, counts, now) for pool in starts for day in days)
        return [quality for quality in found if quality.expected > 0]

    def _slices(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """Cut a span of received reports so that no call takes long."""
        slices = []
        while True:
            end = self._database.run(
                "find_slice_end",
                lambda s, begin=since: clean_prices.find_slice_end(  # type: ignore[misc]
                    s, since=begin, until=until, size=SLICE_REPORTS
                ),
            )
            slices.append((since, end or until))
            if end is None or end == until:
                return slices
            since = end

    def _watermark(
        self, job: str, now: datetime, overlap: timedelta, longest: timedelta
    ) -> datetime:
        done = self._database.run("find_last_done", lambda s: clean_prices.find_last_done(s, job))
        return max(done - overlap, now - longest) if done else now - longest

    def _report_discrepancies(self, now: datetime) -> None:
        count = self._database.run(
            "report_discrepancies",
            lambda s: clean_prices.report_discrepancies(
                s,
                now=now,
                changed_after=now - DEDUP_OVERLAP,
                bucket_after=now - DISCREPANT_WITHIN,
                told_after=now - TELL_AGAIN_AFTER,
            ),
        )
        if count:
            logger.warning(
                "Reported prices of %d pools differ again and again",
                count,
                extra={"action": "price_discrepancies_reported", "pool_count": count},
            )


def _quality(
    pool: Row, day: date, counts: dict[tuple[int, date], Row], now: datetime
) -> DayQuality:
    starts = [at for at in (pool["own_start_at"], pool["agreed_start_at"]) if at is not None]
    begin = datetime.combine(day, time(), UTC)
    end = min(begin + timedelta(days=1), now)
    expected = 0
    if starts and min(starts) < end:
        # A bucket is expected once it has begun.
        expected = -((max(begin, min(starts)) - end) // BUCKET)
    row = counts.get((pool["pool_number"], day), {})
    return DayQuality(
        pool_id=pool["pool_id"],
        pool_number=pool["pool_number"],
        day=day,
        expected=expected,
        normal=int(row.get("normal_count", 0)),
        averaged=int(row.get("averaged_count", 0)),
        interpolated=int(row.get("interpolated_count", 0)),
        history=int(row.get("history_count", 0)),
    )
