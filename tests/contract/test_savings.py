"""Savings on the wire: whatever shows a sum shows the ledger's, and the file has its rows."""

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from backend.services.ledger_closing import LedgerClosing
from tests.contract import standbys
from tests.contract.dashboards import Story, is_number, make_story
from tests.contract.orders import native
from tests.contract.serving import World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def closed(world: World) -> Story:
    """The moved agent an hour and a half later: both hosts are heard, every price is known."""
    story = make_story(world)
    start = world.clock.now() - 3 * HOUR
    for zone, price in (("us-east-1a", "0.04"), ("us-east-1b", "0.03")):
        for bucket in range(60):
            _write_price(world, zone, price, start + bucket * timedelta(minutes=5))
    world.clock.advance(timedelta(hours=1, minutes=30))
    world.write("UPDATE instances SET last_seen_at = %(now)s", now=world.clock.now())
    LedgerClosing(world.database).close(now=world.clock.now())
    return story


def _write_price(world: World, zone: str, price: str, at: datetime) -> None:
    at = at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)
    world.write(
        "INSERT IGNORE INTO pricing_snapshots_clean (pool_id, bucket_at, scope, day_on, client_id,"
        " price_usd_per_hour, source, sample_count, report_count, spread_usd_per_hour,"
        " is_discrepant, updated_at) SELECT pool_id, %(at)s, client_id, DATE(%(at)s), client_id,"
        " %(price)s, 'primary', 1, 1, 0, 0, %(at)s FROM pool_prices WHERE az = %(zone)s",
        at=at,
        price=Decimal(price),
        zone=zone,
    )


def _saved(world: World) -> float:
    rows = world.rows("SELECT baseline_usd, cost_usd FROM cost_records")
    assert rows
    assert all(row["cost_usd"] is not None for row in rows)
    return float(round(sum((r["baseline_usd"] - r["cost_usd"] for r in rows), Decimal(0)), 4))


def test_every_sum_is_the_ledgers(closed: Story):
    world = closed.world
    saved = _saved(world)
    client = world.alpha.client_id

    metrics = [closed.read(f"client/instances/{name}/metrics") for name in ("i-0aaa", "i-0bbb")]
    own = world.alpha.get(f"client/{client}").json()

    assert saved != 0
    assert closed.read(f"client/{client}")["totalSavings"] == saved
    assert closed.read("admin/stats")["totalSavings"] == saved
    assert closed.read(f"client/agents/{closed.agent_id}/statistics")["totalSavings"] == saved
    assert (own["total_savings"], own["monthly_savings"]) == (saved, saved)
    assert sum(each["totalSavings"] for each in metrics) == pytest.approx(saved, abs=1e-4)
    assert closed.read(f"client/{world.beta.client_id}")["totalSavings"] == 0


@pytest.mark.parametrize("period", ["monthly", "weekly", "daily"])
def test_periods_add_up_to_the_total(closed: Story, period: str):
    client = closed.world.alpha.client_id

    periods = closed.read(f"client/{client}/savings?range={period}")

    assert sum(each["savings"] for each in periods) == pytest.approx(_saved(closed.world), abs=1e-4)
    assert closed.read(f"admin/savings?range={period}") == periods
    for each in periods:
        for name in ("savings", "onDemandCost", "modelCost"):
            assert is_number(each[name]), name


def test_months_have_english_names_and_other_ranges_nothing(closed: Story):
    client = closed.world.alpha.client_id
    month = closed.world.clock.now().strftime("%B")

    assert [each["name"] for each in closed.read(f"client/{client}/savings")] == [month]
    assert closed.read(f"client/{client}/savings?range=hourly") == []


def test_client_dashboard_gets_an_object(closed: Story):
    world = closed.world

    answer = world.alpha.get(f"client/{world.alpha.client_id}/savings").json()

    assert answer["total_savings"] == _saved(world)
    assert len(answer["monthly_savings"]) == 1


def test_charts_have_all_their_arrays(closed: Story):
    charts = closed.read(f"client/{closed.world.alpha.client_id}/stats/charts")

    (month,) = charts["savingsTrend"]
    assert set(month) == {"month", "savings", "baseline", "actual"}
    assert month["baseline"] - month["actual"] == pytest.approx(month["savings"], abs=2e-4)
    assert charts["modeDistribution"] == [{"mode": "spot", "count": 2}]
    assert [each["switches"] for each in charts["switchFrequency"]] == [1]


def test_charts_are_empty_when_nothing_ran(closed: Story):
    charts = closed.read(f"client/{closed.world.beta.client_id}/stats/charts")

    assert charts == {"savingsTrend": [], "modeDistribution": [], "switchFrequency": []}


def test_file_of_rows_proves_the_total(closed: Story):
    client = closed.world.alpha.client_id

    answer = closed.operator(f"client/{client}/export/savings?format=csv&detail=rows")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["X-Total-Count"] == str(len(rows))
    proved = sum(Decimal(row["onDemandCost"]) - Decimal(row["cost"]) for row in rows)
    assert float(proved) == pytest.approx(_saved(closed.world), abs=1e-4)
    assert {row["role"] for row in rows} == {"primary", "overlap"}


def test_file_of_days_has_a_line_for_each(closed: Story):
    client = closed.world.alpha.client_id

    answer = closed.read(f"client/{client}/export/savings")

    assert answer["total"] == len(answer["savings"])
    assert sum(each["savings"] for each in answer["savings"]) == pytest.approx(
        _saved(closed.world), abs=1e-4
    )


def test_failover_is_booked_as_it_happened(world: World):
    """The notice, the promotion and EC2's deadline come from the routes that agents really call."""
    agent = native(world, "i-old")
    start = world.clock.now()
    world.clock.advance(timedelta(minutes=30))
    standbys.standby(world, agent.agent_id, launched_at=world.clock.now())
    world.clock.advance(timedelta(minutes=20))
    world.write("UPDATE instances SET last_seen_at = %(now)s", now=world.clock.now())
    body = standbys.notice(agent, world)
    answer = world.alpha.post(f"agents/{agent.agent_id}/interruption", body, instance="i-old")
    assert answer.json()["status"] == "failed_over"
    world.clock.advance(timedelta(minutes=21))

    LedgerClosing(world.database).close(now=world.clock.now())

    rows = world.rows(
        "SELECT instance_id, role, starts_at, ends_at FROM cost_records ORDER BY starts_at, role"
    )
    minutes = [
        (
            r["instance_id"],
            r["role"],
            (r["starts_at"] - start) / MINUTE,
            (r["ends_at"] - start) / MINUTE,
        )
        for r in rows
    ]
    assert minutes == [
        ("i-old", "primary", 0, 50),
        ("i-standby", "replica", 30, 50),
        ("i-old", "overlap", 50, 52),
        ("i-standby", "primary", 50, 60),
    ]
