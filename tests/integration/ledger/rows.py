"""One client with one agent on a spot instance, with prices, for the tests of the ledger."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from backend.db.database import Database
from backend.db.session import Row
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, query
from tests.integration.prices.rows import OTHER_SHARED, REGION, SHARED, TYPE, make_market

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOON = START.replace(minute=0, second=0, microsecond=0)
CLIENT, AGENT = "a", "agent"
ZONES = {"eu-west-1a": SHARED, "eu-west-1b": OTHER_SHARED}


def at(minutes: float) -> datetime:
    """An instant by minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def make_agent(database: Database, primary: str = "i-a") -> None:
    """A market, and an agent without instances yet."""
    make_market(database)
    insert(
        database,
        "agents",
        id=AGENT,
        client_id=CLIENT,
        logical_agent_id="web-1",
        status="online",
        primary_instance_id=primary,
        epoch=1,
        created_at=NOON,
        updated_at=NOON,
    )


def make_instance(database: Database, name: str, launched_at: datetime, **over: Any) -> None:
    """A spot instance of the agent; a primary unless told otherwise."""
    row = {
        "agent_id": AGENT,
        "instance_id": name,
        "client_id": CLIENT,
        "role": "primary",
        "role_reason": "first",
        "mode": "spot",
        "instance_type": TYPE,
        "region": REGION,
        "az": "eu-west-1a",
        "launched_at": launched_at,
        "first_seen_at": launched_at,
        "role_changed_at": launched_at,
    }
    insert(database, "instances", **(row | over))


def make_replica(database: Database, name: str, launched_at: datetime, **over: Any) -> None:
    """A spot instance that was launched to stand by."""
    row = {
        "id": f"replica-{name}",
        "client_id": CLIENT,
        "agent_id": AGENT,
        "kind": "manual",
        "status": "ready",
        "standby_slot": 1,
        "instance_id": name,
        "instance_type": TYPE,
        "region": REGION,
        "az": "eu-west-1a",
        "mode": "spot",
        "pools": "[]",
        "protocol": 5,
        "created_by": "x",
        "created_at": launched_at,
        "launched_at": launched_at,
    }
    insert(database, "replica_instances", **(row | over))


def make_switch(database: Database, old: str, new: str, cut_over_at: datetime) -> None:
    """A completed move of the agent."""
    insert(
        database,
        "switches",
        id=f"switch-{new}",
        client_id=CLIENT,
        agent_id=AGENT,
        cause="engine",
        status="completed",
        old_instance_id=old,
        new_instance_id=new,
        requested_at=cut_over_at - 5 * MINUTE,
        cut_over_at=cut_over_at,
        ended_at=cut_over_at,
        reported_at=cut_over_at,
    )


def make_notice(database: Database, name: str, noticed_at: datetime) -> None:
    """EC2 announces that it takes an instance in two minutes."""
    insert(
        database,
        "spot_interruption_events",
        id=f"event-{name}",
        client_id=CLIENT,
        agent_id=AGENT,
        instance_id=name,
        signal_type="termination-notice",
        notice_key="k",
        status="failed_over",
        subject_role="primary",
        epoch=1,
        instance_type=TYPE,
        region=REGION,
        az="eu-west-1a",
        mode="spot",
        noticed_at=noticed_at,
        deadline_at=noticed_at + 2 * MINUTE,
        received_at=noticed_at,
    )


def clean(
    database: Database, since: datetime, until: datetime, price: str, az: str = "eu-west-1a"
) -> None:
    """Clean points every five minutes within [since, until)."""
    while since < until:
        insert(
            database,
            "pricing_snapshots_clean",
            pool_id=ZONES[az],
            bucket_at=since,
            scope=CLIENT,
            day_on=since.date(),
            client_id=CLIENT,
            price_usd_per_hour=Decimal(price),
            source="primary",
            sample_count=1,
            report_count=1,
            spread_usd_per_hour=Decimal(0),
            is_discrepant=0,
            updated_at=since,
        )
        since += 5 * MINUTE


def ondemand(database: Database, price: str, since: datetime = NOON) -> None:
    """The on-demand price from an instant on."""
    insert(
        database,
        "ondemand_price_snapshots",
        client_id=CLIENT,
        region=REGION,
        instance_type=TYPE,
        bucket_at=since,
        price_usd_per_hour=Decimal(price),
        source="x",
        observed_at=since,
        agent_id=AGENT,
    )


def ran(database: Database, started_at: datetime) -> None:
    """The job has run."""
    insert(
        database,
        "job_runs",
        job="close_hours",
        slot=int(started_at.timestamp()),
        status="done",
        node="x",
        lease_until=started_at,
        started_at=started_at,
        finished_at=started_at,
    )


def booked(database: Database) -> list[Row]:
    """The ledger, in order of time."""
    return query(
        database,
        "SELECT hour_at, instance_id, starts_at, ends_at, role, milliseconds, baseline_usd,"
        " cost_usd, is_free, is_estimated, booked_at, corrected_at FROM cost_records"
        " ORDER BY starts_at, instance_id",
    )


def brief(database: Database) -> list[tuple[str, str, int, Decimal | None, Decimal | None]]:
    """Instance, role, minutes, baseline, cost."""
    return [
        (
            row["instance_id"],
            row["role"],
            row["milliseconds"] // 60_000,
            row["baseline_usd"],
            row["cost_usd"],
        )
        for row in booked(database)
    ]


def sums(database: Database, table: str) -> list[tuple[Decimal, Decimal]]:
    """Baseline and cost of every row of a table of sums."""
    rows = query(database, f"SELECT baseline_usd, cost_usd FROM {table} ORDER BY 1, 2")
    return [(row["baseline_usd"], row["cost_usd"]) for row in rows]
