"""Deduplication in the tables: what is made, when it is made again, and who is told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from backend.domain.prices import PriceSource
from backend.sef.quality import CleanSource
from backend.services import price_quality
from backend.services.price_quality import PriceQuality
from tests.integration.jobs.rows import insert, query
from tests.integration.prices.rows import (
    MINUTE,
    OTHER_SHARED,
    PRIVATE,
    SHARED,
    bucket,
    clean_points,
    make_market,
    raw,
    report,
)

pytestmark = pytest.mark.db

NOW = bucket(1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def quality(database) -> PriceQuality:
    make_market(database)
    return PriceQuality(database)


def agreed(database) -> list[Decimal]:
    return [p.price for p in clean_points(database) if p.source is CleanSource.AGREED]


def done_run(database, job: str, slot: int, started_at) -> None:
    insert(
        database,
        "job_runs",
        job=job,
        slot=slot,
        status="done",
        node="x",
        lease_until=started_at,
        started_at=started_at,
    )


def test_reports_of_all_instances_of_a_client_become_one_point(quality, database):
    report(
        database,
        [
            raw("a", 0, "0.1", pool=PRIVATE),
            raw("a", 0, "0.1004", pool=PRIVATE, source=PriceSource.REPLICA),
        ],
        at=NOW,
    )

    assert quality.deduplicate(now=NOW) == 1
    (point,) = clean_points(database)
    assert (point.price, point.source) == (Decimal("0.100200"), CleanSource.PRIMARY)
    assert (point.sample_count, point.is_discrepant) == (2, False)


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        (["0.1"], None),
        (["0.1", "0.1006"], None),
        (["0.1", "0.1005"], "0.100250"),
        (["0.1", "0.1", "9"], "0.1"),
        (["9", "0.1", "0.1"], "0.1"),
        (["0.1", "0.1", "9", "9"], None),
        (["0.1", "0.1", "8", "9"], None),
    ],
)
def test_only_what_most_clients_say_is_shared(quality, database, prices, price):
    report(database, [raw(c, 0, p) for c, p in zip("abcd", prices, strict=False)], at=NOW)
    quality.deduplicate(now=NOW)

    assert agreed(database) == ([Decimal(price)] if price else [])


def test_pool_of_one_client_is_never_shared(quality, database):
    report(database, [raw(c, 0, "0.1", pool=PRIVATE) for c in "abc"], at=NOW)
    quality.deduplicate(now=NOW)

    assert agreed(database) == []


def test_agreement_is_withdrawn_by_a_later_doubt_and_comes_back(quality, database):
    report(database, [raw("a", 0, "0.1"), raw("b", 0, "0.1")], at=NOW)
    quality.deduplicate(now=NOW)
    report(database, [raw("c", 0, "9"), raw("d", 0, "8")], at=NOW + MINUTE)
    quality.deduplicate(now=NOW + MINUTE)

    assert agreed(database) == []

    report(database, [raw("d", 0, "0.00001")] * 99, at=NOW + MINUTE * 2)  # at odds with itself
    quality.deduplicate(now=NOW + MINUTE * 2)

    assert agreed(database) == [Decimal("0.1")]


def test_late_report_changes_its_own_bucket_only(quality, database):
    report(database, [raw("a", 0, "0.1"), raw("a", 1, "0.2")], at=NOW)
    quality.deduplicate(now=NOW)
    before = {p.bucket_at: p for p in clean_points(database)}
    report(database, [raw("a", 0, "0.1002")], at=NOW + MINUTE * 30)

    assert quality.deduplicate(now=NOW + MINUTE * 30, since=NOW + MINUTE) == 1
    after = {p.bucket_at: p for p in clean_points(database)}
    assert after[bucket(0)].price == Decimal("0.100100")
    assert after[bucket(1)] == before[bucket(1)]


def test_again_changes_nothing_not_even_the_moment(quality, database):
    report(database, [raw("a", 0, "0.1"), raw("b", 0, "0.1")], at=NOW)
    quality.deduplicate(now=NOW)
    report_moments = "SELECT scope, updated_at FROM pricing_snapshots_clean ORDER BY scope ASC"
    before = query(database, report_moments)
    quality.deduplicate(now=NOW + MINUTE)

    assert query(database, report_moments) == before
    assert len(before) == 3


def test_same_report_counted_again_is_no_change(quality, database):
    report(database, [raw("a", 0, "0.1")], at=NOW)
    quality.deduplicate(now=NOW)
    query(database, "UPDATE spot_price_snapshots SET report_count = 5")
    quality.deduplicate(now=NOW + MINUTE)

    (row,) = query(database, "SELECT report_count, updated_at FROM pricing_snapshots_clean")
    assert row == {"report_count": 5, "updated_at": NOW}


def test_run_goes_on_where_the_last_finished_one_began(quality, database):
    report(database, [raw("a", 0, "0.1")], at=NOW)
    report(database, [raw("a", 5, "0.1")], at=NOW + MINUTE * 30)
    done_run(database, "dedup_prices", 1, NOW + MINUTE * 10)

    assert quality.deduplicate(now=NOW + MINUTE * 31) == 1


def test_report_that_became_visible_late_is_not_missed(quality, database):
    done_run(database, "dedup_prices", 1, NOW)
    report(database, [raw("a", 0, "0.1")], at=NOW - MINUTE)  # written by a slower node

    assert quality.deduplicate(now=NOW + MINUTE) == 1


def test_large_backlog_is_worked_off_in_slices(quality, database, monkeypatch):
    monkeypatch.setattr(price_quality, "SLICE_REPORTS", 3)
    for second in range(10):
        report(
            database, [raw("a", second, "0.1"), raw("b", second, "0.1")], at=NOW + SECOND * second
        )
    quality.deduplicate(now=NOW + MINUTE)

    assert len(clean_points(database)) == 30


def test_two_runs_at_once_end_in_the_same_points(quality, database):
    rows = [raw(c, n, "0.1", pool=p) for c in "abcd" for n in range(50) for p in (1, 2)]
    report(database, rows, at=NOW)
    start = threading.Barrier(2)

    def work(_) -> int:
        start.wait()
        return quality.deduplicate(now=NOW + MINUTE)

    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(work, range(2)))

    assert counts == [400, 400]
    assert len(clean_points(database)) == 400 + 100


def test_points_of_a_deleted_client_go_with_it(quality, database):
    report(database, [raw("a", 0, "0.1"), raw("b", 0, "0.1")], at=NOW)
    quality.deduplicate(now=NOW)
    query(database, "DELETE FROM clients WHERE id = 'a'")

    assert {p.client_id for p in clean_points(database)} == {"b", None}


class TestDiscrepancies:
    def disagree(self, database, numbers, *, at, pool=SHARED):
        report(
            database,
            [raw("a", n, price, pool=pool) for n in numbers for price in ("0.1", "0.2")],
            at=at,
        )

    def events(self, database):
        return query(
            database,
            "SELECT client_id, severity, created_at,"
            " JSON_EXTRACT(details, '$.pool_number') + 0 AS pool FROM system_events"
            " WHERE event_type = 'price_discrepancy' ORDER BY id ASC",
        )

    def test_repeated_discrepancy_is_an_event(self, quality, database):
        now = bucket(3)
        self.disagree(database, [0, 1, 2], at=now)
        quality.deduplicate(now=now)

        (event,) = self.events(database)
        assert event == {"client_id": "a", "severity": "warning", "created_at": now, "pool": SHARED}

    def test_two_buckets_are_not_enough(self, quality, database):
        self.disagree(database, [0, 2], at=bucket(3))
        quality.deduplicate(now=bucket(3))

        assert self.events(database) == []

    def test_it_is_told_once_in_six_hours(self, quality, database):
        for number in range(100):
            self.disagree(database, [number], at=bucket(number) + SECOND)
            quality.deduplicate(now=bucket(number) + SECOND * 2, since=bucket(number))

        told = [event["created_at"] for event in self.events(database)]
        assert len(told) == 2
        assert told[1] - told[0] >= timedelta(hours=6)

    def test_each_pool_is_told_of(self, quality, database):
        for pool in (SHARED, OTHER_SHARED):
            self.disagree(database, [0, 1, 2], at=bucket(3) + SECOND * pool, pool=pool)
        quality.deduplicate(now=bucket(3) + MINUTE)

        assert {event["pool"] for event in self.events(database)} == {SHARED, OTHER_SHARED}
