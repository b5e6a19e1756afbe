"""What a client's view of its pools is made of, per pool and day; how long it is all kept."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from backend.repositories import clean_prices
from backend.services.housekeeping import Housekeeping
from backend.services.price_quality import PriceQuality
from tests.integration.jobs.rows import insert, query
from tests.integration.prices.rows import (
    MINUTE,
    PRIVATE,
    SHARED,
    bucket,
    make_market,
    raw,
    report,
)

pytestmark = pytest.mark.db

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TODAY = bucket(0).date()  # price time begins at noon
NOW = bucket(30)


@pytest.fixture
def quality(database) -> PriceQuality:
    make_market(database)
    return PriceQuality(database)


def figures(quality, client="a", *, first=TODAY, last=TODAY, now=NOW):
    found = quality.list_quality(client, first_day=first, last_day=last, now=now)
    return {(figure.pool_number, figure.day): figure for figure in found}


def observe(database, raws, at=NOW):
    report(database, raws, at=at)
    PriceQuality(database).deduplicate(now=at, since=at - MINUTE)
    PriceQuality(database).interpolate(now=at, since=at - MINUTE)


def history(database, number: int) -> None:
    insert(
        database,
        "pricing_snapshots_interpolated",
        client_id="a",
        pool_id=SHARED,
        day_on=TODAY,
        bucket_at=bucket(number),
        price_usd_per_hour=1,
        method="history",
        before_at=bucket(0),
        before_price_usd_per_hour=1,
        filled_at=NOW,
    )


def test_every_bucket_is_counted_once(quality, database):
    observe(
        database,
        [
            *(raw("a", n, "0.1") for n in (0, 1, 5, 15)),
            *(raw("a", 1, price) for price in ("0.5", "0.1")),
            *(raw(client, n, "0.1") for client in "bc" for n in (1, 2, 15)),
        ],
    )
    history(database, 20)
    history(database, 15)
    figure = figures(quality)[SHARED, TODAY]

    assert figure.pool_id == "m5.large.eu-west-1a"
    assert (figure.normal, figure.averaged) == (4, 1)  # 0, 5, 15 of its own, 2 as others agree
    assert (figure.interpolated, figure.history) == (2, 1)  # 3 and 4; 20
    assert (figure.expected, figure.gap) == (30, 22)
    assert figure.share(figure.normal) == pytest.approx(4 / 30)


def test_series_is_what_the_figures_count(quality, database):
    observe(database, [raw("a", n, "0.1") for n in (0, 3)])
    observe(database, [raw("b", 1, "9"), raw("b", 4, "0.1"), raw("c", 4, "0.1")], NOW + MINUTE)
    rows = database.run(
        "series",
        lambda s: clean_prices.list_series(
            s, client_id="a", pool_id=SHARED, since=bucket(0), until=bucket(99)
        ),
    )

    assert [(row["bucket_at"], row["kind"]) for row in rows] == [
        (bucket(0), "normal"),
        (bucket(1), "interpolated"),
        (bucket(2), "interpolated"),
        (bucket(3), "normal"),
        (bucket(4), "normal"),
    ]
    assert {row["price_usd_per_hour"] for row in rows} == {Decimal("0.1")}


def test_day_without_any_point_is_all_gap(quality, database):
    observe(database, [raw("a", 0, "0.1")])
    tomorrow = TODAY + DAY
    figure = figures(quality, last=tomorrow, now=NOW + DAY * 2)[SHARED, tomorrow]

    assert (figure.expected, figure.gap, figure.normal) == (288, 288, 0)


def test_days_before_a_pool_was_known_are_left_out(quality, database):
    observe(database, [raw("a", 0, "0.1")])
    found = figures(quality, first=TODAY - DAY * 3)

    assert set(found) == {(SHARED, TODAY)}


def test_what_one_client_alone_saw_is_not_in_another_ones_figures(quality, database):
    observe(database, [raw("a", 0, "0.1"), raw("a", 0, "0.1", pool=PRIVATE)])

    assert figures(quality, "b") == {}
    assert set(figures(quality)) == {(SHARED, TODAY), (PRIVATE, TODAY)}


def test_at_most_a_month_is_looked_at(quality, database):
    observe(database, [raw("a", 0, "0.1")])
    found = figures(quality, first=date(2000, 1, 1), last=TODAY + DAY * 99, now=NOW + DAY * 200)

    assert len(found) == 31


def clean(at):
    return {
        "pool_id": SHARED,
        "bucket_at": at,
        "scope": "a",
        "day_on": at.date(),
        "client_id": "a",
        "price_usd_per_hour": 1,
        "source": "other",
        "sample_count": 1,
        "report_count": 1,
        "spread_usd_per_hour": 0,
        "is_discrepant": 0,
        "updated_at": at,
    }


def fill(at):
    return {
        "client_id": "a",
        "pool_id": SHARED,
        "day_on": at.date(),
        "bucket_at": at,
        "price_usd_per_hour": 1,
        "method": "history",
        "before_at": at,
        "before_price_usd_per_hour": 1,
        "filled_at": at,
    }


def gap(at):
    return {
        "client_id": "a",
        "pool_id": SHARED,
        "last_point_at": at - DAY,
        "next_point_at": at,
        "status": "closed",
        "outcome": "data",
        "next_ask_at": at,
        "created_at": at,
        "ended_at": at,
    }


def cooldown(at):
    return {
        "client_id": "a",
        "pool_id": SHARED,
        "reason": "capacity",
        "source_key": str(at),
        "occurred_at": at,
        "ends_at": at,
    }


def risk(at):
    return {
        "client_id": "a",
        "pool_id": SHARED,
        "analysed_at": at,
        "computed_at": at,
        "loss_count": 0,
        "decayed_loss_count": 0,
        "decayed_capacity_error_count": 0,
        "risk_score": 0,
        "recommendation": "safe",
    }


def reliability(at):
    return {
        "client_id": "a",
        "pool_id": SHARED,
        "period_start": at,
        "period_end": at,
        "loss_count": 0,
        "rebalance_count": 0,
        "capacity_error_count": 0,
        "point_count": 0,
        "computed_at": at,
    }


@pytest.mark.parametrize(
    ("table", "days", "make_row"),
    [
        ("pricing_snapshots_clean", 400, clean),
        ("pricing_snapshots_interpolated", 400, fill),
        ("pricing_data_gaps", 180, gap),
        ("pool_cooldowns", 90, cooldown),
        ("pool_risk_analysis", 30, risk),
        ("pool_reliability_metrics", 400, reliability),
    ],
)
def test_rows_are_deleted_at_their_age_and_not_before(database, table, days, make_row):
    make_market(database)
    insert(database, table, **make_row(NOW - DAY * days - SECOND))
    insert(database, table, **make_row(NOW - DAY * days + SECOND))

    assert Housekeeping(database).purge_expired(now=NOW) == 1
    assert query(database, f"SELECT COUNT(*) AS n FROM {table}") == [{"n": 1}]


def test_open_gaps_are_kept_however_old(database):
    make_market(database)
    insert(
        database,
        "pricing_data_gaps",
        **(gap(NOW - DAY * 999) | {"status": "open", "outcome": None, "ended_at": None}),
    )

    assert Housekeeping(database).purge_expired(now=NOW) == 0
