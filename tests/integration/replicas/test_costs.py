"""What replicas cost: seconds by UTC hour, priced by what was really paid."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backend.db.database import Database
from backend.services.replica_costs import ReplicaCosts
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, query
from tests.integration.prices.rows import SHARED, make_market

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOON = START.replace(minute=0, second=0, microsecond=0)
Launch = Callable[..., None]


@pytest.fixture
def costs(database: Database) -> ReplicaCosts:
    make_market(database)
    insert(
        database,
        "agents",
        id="agent",
        client_id="a",
        logical_agent_id="web-1",
        status="online",
        epoch=1,
        created_at=NOON,
        updated_at=NOON,
    )
    return ReplicaCosts(database)


def replica(database: Database, launched_at: datetime, **over: Any) -> None:
    row = {
        "id": "r-1",
        "client_id": "a",
        "agent_id": "agent",
        "kind": "manual",
        "status": "ready",
        "standby_slot": 1,
        "instance_id": "i-rep",
        "instance_type": "m5.large",
        "region": "eu-west-1",
        "az": "eu-west-1a",
        "mode": "spot",
        "pool_name": "m5.large.eu-west-1a",
        "pools": "[]",
        "protocol": 5,
        "created_by": "system",
        "created_at": launched_at,
        "launched_at": launched_at,
    }
    insert(database, "replica_instances", **(row | over))


def clean(database: Database, at: datetime, price: str, client: str | None = "a") -> None:
    insert(
        database,
        "pricing_snapshots_clean",
        pool_id=SHARED,
        bucket_at=at,
        scope=client or "",
        day_on=at.date(),
        client_id=client,
        price_usd_per_hour=Decimal(price),
        source="primary" if client else "agreed",
        sample_count=1,
        report_count=1,
        spread_usd_per_hour=Decimal(0),
        is_discrepant=0,
        updated_at=at,
    )


def booked(database: Database) -> list[tuple[int, int, Decimal | None, int]]:
    """Hours after noon, seconds, cost, estimated; by hour."""
    rows = query(
        database,
        "SELECT hour_at, seconds, cost_usd, is_estimated FROM replica_cost_log ORDER BY hour_at",
    )
    return [
        ((row["hour_at"] - NOON) // HOUR, row["seconds"], row["cost_usd"], row["is_estimated"])
        for row in rows
    ]


def test_hours_are_booked_from_launch_to_now(database: Database, costs: ReplicaCosts):
    replica(database, NOON + 30 * MINUTE)
    for minutes in (0, 30, 60, 90):
        clean(database, NOON + minutes * MINUTE, "0.04")

    costs.log(now=NOON + HOUR + 15 * MINUTE)

    assert booked(database) == [
        (0, 1800, Decimal("0.02000000"), 0),
        (1, 900, Decimal("0.01000000"), 0),
    ]


def test_run_again_changes_nothing(database: Database, costs: ReplicaCosts):
    replica(database, NOON)
    clean(database, NOON, "0.04")

    for _ in range(3):
        costs.log(now=NOON + 30 * MINUTE)

    assert booked(database) == [(0, 1800, Decimal("0.02000000"), 0)]


def test_hour_is_priced_by_its_mean(database: Database, costs: ReplicaCosts):
    replica(database, NOON)
    clean(database, NOON, "0.03")
    clean(database, NOON + 30 * MINUTE, "0.05")

    costs.log(now=NOON + HOUR)

    assert booked(database) == [(0, 3600, Decimal("0.04000000"), 0)]


def test_own_points_come_before_what_others_agree_on(database: Database, costs: ReplicaCosts):
    replica(database, NOON)
    clean(database, NOON, "0.03")
    clean(database, NOON, "0.07", client=None)
    clean(database, NOON + HOUR, "0.07", client=None)

    costs.log(now=NOON + 2 * HOUR)

    assert [cost for _, _, cost, _ in booked(database)] == [
        Decimal("0.03000000"),
        Decimal("0.07000000"),
    ]


def test_unknown_price_is_estimated_and_corrected_later(database: Database, costs: ReplicaCosts):
    replica(database, NOON, price_usd_per_hour=Decimal("0.05"))
    costs.log(now=NOON + HOUR)
    assert booked(database) == [(0, 3600, Decimal("0.05000000"), 1)]

    clean(database, NOON + 10 * MINUTE, "0.03")
    costs.log(now=NOON + 5 * HOUR, since=NOON + 5 * HOUR)

    assert booked(database)[0] == (0, 3600, Decimal("0.03000000"), 0)


def test_price_that_nobody_knows_is_no_cost(database: Database, costs: ReplicaCosts):
    replica(database, NOON, az="eu-west-1f", pool_name="m5.large.eu-west-1f")

    costs.log(now=NOON + HOUR)

    assert booked(database) == [(0, 3600, None, 1)]


@pytest.mark.parametrize("column", ["promoted_at", "ended_at"])
def test_cost_ends_with_the_standby(database: Database, costs: ReplicaCosts, column: str):
    status = "promoted" if column == "promoted_at" else "terminated"
    replica(database, NOON, status=status, **{column: NOON + 20 * MINUTE})
    clean(database, NOON, "0.06")

    costs.log(now=NOON + 3 * HOUR)

    assert booked(database) == [(0, 1200, Decimal("0.02000000"), 0)]


def test_what_was_never_launched_costs_nothing(database: Database, costs: ReplicaCosts):
    replica(database, NOON, instance_id=None, status="launching")

    assert costs.log(now=NOON + HOUR) == 0
    assert booked(database) == []


def test_on_demand_is_priced_by_its_own_list(database: Database, costs: ReplicaCosts):
    replica(database, NOON, mode="ondemand", pool_name=None)
    insert(
        database,
        "ondemand_price_snapshots",
        client_id="a",
        region="eu-west-1",
        instance_type="m5.large",
        bucket_at=NOON - HOUR,
        price_usd_per_hour=Decimal("0.107"),
        source="price_list",
        observed_at=NOON - HOUR,
        agent_id="agent",
    )

    costs.log(now=NOON + HOUR)

    assert booked(database) == [(0, 3600, Decimal("0.10700000"), 0)]


def test_missed_hours_are_caught_up(database: Database, costs: ReplicaCosts):
    replica(database, NOON)
    clean(database, NOON, "0.04")
    insert(
        database,
        "job_runs",
        job="log_replica_costs",
        slot=1,
        status="done",
        node="tests",
        attempt=1,
        started_at=NOON + 5 * MINUTE,
        lease_until=NOON + HOUR,
    )

    costs.log(now=NOON + 30 * HOUR)

    hours = booked(database)
    assert [hour for hour, *_ in hours] == list(range(30))
    assert {seconds for _, seconds, *_ in hours} == {3600}


def test_prices_of_another_tenant_are_not_used(database: Database, costs: ReplicaCosts):
    replica(database, NOON, price_usd_per_hour=Decimal("0.05"))
    clean(database, NOON, "0.01", client="b")

    costs.log(now=NOON + HOUR)

    assert booked(database) == [(0, 3600, Decimal("0.05000000"), 1)]
