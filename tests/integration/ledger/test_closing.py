"""The ledger is closed by the hour, stays as it is when run again, and is corrected when it must."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.db.database import Database
from backend.services.ledger_closing import Closed, LedgerClosing
from tests.integration.jobs.rows import query
from tests.integration.ledger.rows import (
    HOUR,
    MINUTE,
    NOON,
    at,
    booked,
    brief,
    clean,
    make_agent,
    make_instance,
    make_notice,
    make_replica,
    make_switch,
    ondemand,
    ran,
    sums,
)

pytestmark = pytest.mark.db
SUMS = (
    "agent_savings_daily",
    "client_savings_daily",
    "client_savings_monthly",
    "savings_snapshots",
)


@pytest.fixture
def ledger(database: Database) -> LedgerClosing:
    make_agent(database)
    ondemand(database, "0.12")
    return LedgerClosing(database)


def usd(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.00000001"))


def test_hour_is_closed_ten_minutes_after_its_end(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(30))
    clean(database, at(30), at(120), "0.03")

    assert ledger.close(now=at(69)) == Closed()
    assert ledger.close(now=at(70)) == Closed(hours=1, written=1)
    assert brief(database) == [("i-a", "primary", 30, usd("0.06"), usd("0.015"))]
    for table in SUMS:
        assert sums(database, table) == [(usd("0.06"), usd("0.015"))]


def test_run_again_changes_nothing(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(30))
    clean(database, at(30), at(120), "0.03")
    ledger.close(now=at(70))
    before = booked(database)

    for minute in (70, 80, 129):
        assert ledger.close(now=at(minute)) == Closed()

    assert booked(database) == before
    assert query(database, "SELECT agent_id FROM cost_corrections") == []


def test_switch_books_both_hosts_and_one_baseline(database: Database, ledger: LedgerClosing):
    make_instance(
        database, "i-a", at(0), role="terminated", role_changed_at=at(30), terminated_at=at(40)
    )
    make_instance(database, "i-b", at(20), az="eu-west-1b", role_changed_at=at(31))
    query(database, "UPDATE agents SET primary_instance_id = 'i-b'")
    make_switch(database, "i-a", "i-b", at(30))
    clean(database, at(0), at(60), "0.06")
    clean(database, at(0), at(60), "0.03", az="eu-west-1b")

    ledger.close(now=at(70))

    assert brief(database) == [
        ("i-a", "primary", 30, usd("0.06"), usd("0.03")),
        ("i-b", "overlap", 10, usd("0"), usd("0.005")),
        ("i-a", "overlap", 10, usd("0"), usd("0.01")),
        ("i-b", "primary", 30, usd("0.06"), usd("0.015")),
    ]
    assert sums(database, "client_savings_daily") == [(usd("0.12"), usd("0.06"))]
    (day,) = query(database, "SELECT overlap_usd, replica_usd FROM client_savings_daily")
    assert (day["overlap_usd"], day["replica_usd"]) == (usd("0.015"), 0)


def test_standby_that_never_registered_costs_until_it_ends(
    database: Database, ledger: LedgerClosing
):
    make_instance(database, "i-a", at(0))
    make_replica(database, "i-r", at(10), status="terminated", ended_at=at(30))
    clean(database, at(0), at(60), "0.03")

    ledger.close(now=at(70))

    assert ("i-r", "replica", 20, usd("0"), usd("0.01")) in brief(database)


def test_late_price_corrects_the_row_and_leaves_a_trace(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(0))
    ledger.close(now=at(70))
    assert brief(database) == [("i-a", "primary", 60, usd("0.12"), None)]
    assert sums(database, "client_savings_daily") == [(0, 0)]  # half a row would be a lie

    clean(database, at(0), at(60), "0.03")
    assert ledger.close(now=at(85)) == Closed(written=1, corrected=1)

    (row,) = booked(database)
    assert (row["cost_usd"], row["is_estimated"], row["corrected_at"]) == (usd("0.03"), 0, at(85))
    for table in SUMS:
        assert sums(database, table) == [(usd("0.12"), usd("0.03"))]
    (trace,) = query(
        database,
        "SELECT reason, old_cost_usd, old_unknown_milliseconds, new_cost_usd, new_baseline_usd"
        " FROM cost_corrections",
    )
    assert trace == {
        "reason": "price",
        "old_cost_usd": 0,
        "old_unknown_milliseconds": 3_600_000,
        "new_cost_usd": usd("0.03"),
        "new_baseline_usd": usd("0.12"),
    }
    assert ledger.close(now=at(90)) == Closed()


def test_first_hour_becomes_free_when_ec2_takes_the_instance(
    database: Database, ledger: LedgerClosing
):
    make_instance(database, "i-a", at(40))
    clean(database, at(40), at(180), "0.03")
    ledger.close(now=at(70))
    ran(database, at(70))
    assert sums(database, "client_savings_daily") == [(usd("0.04"), usd("0.01"))]

    make_notice(database, "i-a", at(80))
    query(database, "UPDATE instances SET last_seen_at = %(at)s", at=at(81))
    ledger.close(now=at(130))

    assert [(r["milliseconds"] // 60_000, r["is_free"]) for r in booked(database)] == [
        (20, 1),
        (22, 1),
    ]
    assert sums(database, "client_savings_daily") == [(usd("0.084"), 0)]
    (trace,) = query(database, "SELECT hour_at, reason FROM cost_corrections")
    assert trace == {"hour_at": NOON, "reason": "timeline"}


def test_instance_lives_on_when_it_is_heard_after_its_notice(
    database: Database, ledger: LedgerClosing
):
    make_instance(database, "i-a", at(0), last_seen_at=at(59))
    make_notice(database, "i-a", at(10))
    clean(database, at(0), at(60), "0.03")

    ledger.close(now=at(70))

    assert brief(database) == [("i-a", "primary", 60, usd("0.12"), usd("0.03"))]


def test_late_report_of_a_switch_moves_the_hours_before(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(0))
    clean(database, at(0), at(180), "0.03")
    ledger.close(now=at(130))
    ran(database, at(130))

    query(
        database,
        "UPDATE instances SET role = 'superseded', role_changed_at = %(now)s,"
        " terminated_at = %(end)s",
        now=at(140),
        end=at(60),
    )
    make_instance(database, "i-b", at(30), role_changed_at=at(140))
    query(database, "UPDATE agents SET primary_instance_id = 'i-b'")
    make_switch(database, "i-a", "i-b", at(30))
    query(database, "UPDATE switches SET reported_at = %(now)s, ended_at = %(now)s", now=at(140))

    assert ledger.close(now=at(150)) == Closed(written=2, corrected=2)
    assert brief(database) == [
        ("i-a", "primary", 30, usd("0.06"), usd("0.015")),
        ("i-a", "overlap", 30, usd("0"), usd("0.015")),
        ("i-b", "primary", 30, usd("0.06"), usd("0.015")),
        ("i-b", "primary", 60, usd("0.12"), usd("0.03")),
    ]


def test_missed_hours_are_made_up_in_portions(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", NOON)
    late = NOON + 60 * HOUR + 10 * MINUTE

    done = [ledger.close(now=late) for _ in range(3)]

    assert [each.hours for each in done] == [48, 12, 0]
    assert len(booked(database)) == 60
    days = query(database, "SELECT day_on FROM client_savings_daily ORDER BY day_on")
    assert len(days) == len({NOON.date() + timedelta(days=n) for n in range(3)})


def test_guessed_price_counts_until_the_real_one_comes(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(0))
    clean(database, at(0), at(30), "0.03")
    ledger.close(now=at(70))

    assert [(r["milliseconds"] // 60_000, r["is_estimated"]) for r in booked(database)] == [
        (35, 0),
        (25, 1),
    ]

    clean(database, at(30), at(60), "0.06")
    ledger.close(now=at(80))

    assert sums(database, "client_savings_daily") == [(usd("0.12"), usd("0.045"))]


def test_silent_agent_saves_nothing_until_it_is_heard_again(
    database: Database, ledger: LedgerClosing
):
    make_instance(database, "i-a", at(0), last_seen_at=at(30))
    clean(database, at(0), at(240), "0.03")
    ledger.close(now=at(190))

    assert brief(database) == [
        ("i-a", "primary", 60, usd("0.12"), usd("0.03")),
        ("i-a", "primary", 30, usd("0.06"), usd("0.015")),
        ("i-a", "primary", 30, None, None),
        ("i-a", "primary", 60, None, None),
    ]

    query(database, "UPDATE instances SET last_seen_at = %(at)s", at=at(195))
    assert ledger.close(now=at(195)) == Closed(written=2, corrected=2)
    assert sums(database, "client_savings_daily") == [(usd("0.36"), usd("0.09"))]


def test_forgotten_agent_leaves_the_ledger_after_a_week(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(0), last_seen_at=at(0))
    late = NOON + 9 * 24 * HOUR

    while ledger.close(now=late).hours:
        pass

    assert len(booked(database)) == 7 * 24


def test_sums_are_made_anew_from_the_rows(database: Database, ledger: LedgerClosing):
    make_instance(database, "i-a", at(0))
    clean(database, at(0), at(120), "0.03")
    ledger.close(now=at(130))
    query(database, "UPDATE cost_records SET cost_usd = 0.05 WHERE hour_at = %(at)s", at=at(0))

    assert ledger.roll_up(now=at(140)) == 1

    for table in SUMS:
        assert sums(database, table) == [(usd("0.24"), usd("0.08"))]


@pytest.mark.parametrize(("protocol", "cost"), [(5, usd("0.03")), (4, None)])
def test_silent_old_host_costs_only_when_an_inventory_would_miss_it(
    database: Database, ledger: LedgerClosing, protocol: int, cost: Decimal | None
):
    make_instance(database, "i-a", at(-120), protocol=protocol, last_seen_at=at(60))
    make_instance(
        database,
        "i-old",
        at(-120),
        role="superseded",
        protocol=protocol,
        last_seen_at=at(-60),
    )
    clean(database, at(0), at(60), "0.03")

    ledger.close(now=at(70))

    assert ("i-old", "overlap", 60, usd("0"), cost) in brief(database)
    assert ("i-a", "primary", 60, usd("0.12"), usd("0.03")) in brief(database)


def test_promotion_counts_when_its_traffic_was_never_verified(
    database: Database, ledger: LedgerClosing
):
    make_instance(database, "i-a", at(0), role="superseded", terminated_at=at(40))
    make_replica(database, "i-r", at(20), status="promoted", promoted_at=at(40))
    make_instance(database, "i-r", at(20), role_changed_at=at(40))
    query(database, "UPDATE agents SET primary_instance_id = 'i-r'")
    make_switch(database, "i-a", "i-r", at(40))
    query(database, "UPDATE switches SET status = 'failed', reason = 'x', cut_over_at = NULL")
    clean(database, at(0), at(60), "0.03")

    ledger.close(now=at(70))

    assert [row[:3] for row in brief(database)] == [
        ("i-a", "primary", 40),
        ("i-r", "replica", 20),
        ("i-r", "primary", 20),
    ]
