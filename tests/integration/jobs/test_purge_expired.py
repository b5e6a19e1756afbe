"""Retention, table by table: one row just too old, one row just young enough."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from backend.repositories import retention
from backend.services.housekeeping import Housekeeping
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, make_agent, make_client, query
from tests.meta import house

pytestmark = pytest.mark.db

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def parents(database):
    """Ids that rows refer to."""
    client_id = make_client(database)
    agent_id = make_agent(database, client_id)
    insert(
        database,
        "operators",
        id="operator",
        username="op",
        password_hash="x",
        role="admin",
        created_at=START,
        updated_at=START,
    )
    insert(
        database,
        "spot_pools",
        id=1,
        region="eu-west-1",
        zone="euw1-az1",
        instance_type="m5.large",
        created_at=START,
    )
    channel(database)
    return {"client_id": client_id, "agent_id": agent_id, "instance_id": "i-1"}


def event(p, at, n):
    return {"event_type": "x", "severity": "info", "message": str(n), "created_at": at}


def notification(p, at, n, **over):
    return {"notification_type": "x", "severity": "info", "message": "x", "created_at": at} | over


def audit(p, at, n):
    return {
        "actor_type": "system",
        "actor_name": "x",
        "action": "x",
        "subject_type": "x",
        "created_at": at,
    }


def config_change(p, at, n):
    return {
        "client_id": p["client_id"],
        "agent_id": p["agent_id"],
        "version": n,
        "actor_type": "system",
        "actor_name": "x",
        "changes": "{}",
        "changed_at": at,
    }


def command(p, at, n):
    return {
        "id": f"command-{n}",
        "client_id": p["client_id"],
        "agent_id": p["agent_id"],
        "command_type": "cleanup",
        "priority": 10,
        "created_by": "x",
        "status": "completed" if at else "pending",
        "expires_at": START,
        "created_at": START - DAY * 500,
        "ended_at": at,
    }


def cleanup(p, at, n):
    return {
        "client_id": p["client_id"],
        "agent_id": p["agent_id"],
        "executed_at": at,
        "deleted_snapshot_count": 0,
        "deleted_image_count": 0,
        "failed_count": 0,
        "report": "{}",
        "created_at": at,
    }


def health(p, at, n):
    return p | {"bucket_at": at, "silent_seconds": 1}


def snapshot(p, at, n):
    return p | {
        "pool_id": 1,
        "bucket_at": at,
        "reporter_slot": str(n),
        "price_usd_per_hour": 1,
        "observed_at": at,
        "received_at": at,
        "source": "primary",
    }


def ondemand(p, at, n):
    return {
        "client_id": p["client_id"],
        "agent_id": p["agent_id"],
        "region": "eu-west-1",
        "instance_type": "m5.large",
        "bucket_at": at,
        "price_usd_per_hour": 1,
        "source": "x",
        "observed_at": at,
    }


def report(p, at, n):
    return p | {"observed_at": at, "received_at": at, "accepted_count": 1, "refused_count": 0}


def token(p, at, n, column="revoked_at"):
    return {
        "id": f"token-{n}",
        "client_id": p["client_id"],
        "name": "x",
        "scope": "both",
        "token_hash": f"{n:032}",
        "token_hint": "x",
        "created_at": START - DAY * 500,
        column: at,
    }


def api_key(p, at, n, column="revoked_at"):
    return {
        "id": f"key-{n}",
        "operator_id": "operator",
        "name": "x",
        "key_hash": f"{n:032}",
        "key_hint": "x",
        "created_at": START - DAY * 500,
        column: at,
    }


def login(p, at, n, seen_at=START, expires_at=START + DAY):
    return {
        "id": f"login-{n}",
        "operator_id": "operator",
        "token_hash": f"{n:032}",
        "created_at": START - DAY * 500,
        "last_seen_at": seen_at or at,
        "expires_at": expires_at or at,
    }


def job_run(p, at, n):
    return {
        "job": "job",
        "slot": 100 - n,
        "status": "failed",
        "node": "x",
        "lease_until": at,
        "started_at": at,
    }


def cost_record(p, at, n):
    return p | {
        "hour_at": at,
        "starts_at": at + n * timedelta(seconds=1),
        "ends_at": at + timedelta(minutes=1),
        "role": "primary",
        "mode": "spot",
        "milliseconds": 60_000,
        "is_free": 0,
        "is_estimated": 1,
        "booked_at": at,
    }


def cost_correction(p, at, n):
    row = {"agent_id": p["agent_id"], "client_id": p["client_id"], "reason": "price"}
    sums = ("baseline_usd", "cost_usd", "unknown_milliseconds")
    row |= {f"{side}_{name}": 0 for side in ("old", "new") for name in sums}
    return row | {"hour_at": START + n * timedelta(hours=1), "corrected_at": at}


def channel(database):
    """A channel that messages can belong to."""
    insert(
        database,
        "notification_channels",
        id="channel",
        name="ops",
        kind="webhook",
        target_sealed="x",
        target_hint="x",
        min_severity="info",
        batch_seconds=0,
        active_since=START,
        looked_at=START,
        created_at=START,
        updated_at=START,
    )


def delivery(p, at, n):
    return {
        "id": f"delivery-{n}",
        "channel_id": "channel",
        "status": "delivered",
        "next_attempt_at": START,
        "created_at": START - DAY * 500,
        "ended_at": at,
    }


def gap(p, at, n):
    return {
        "client_id": p["client_id"],
        "pool_id": 1,
        "last_point_at": START - DAY * n,
        "next_point_at": START,
        "status": "closed",
        "next_ask_at": START,
        "created_at": START,
        "ended_at": at,
    }


def cooldown(p, at, n):
    return {
        "client_id": p["client_id"],
        "pool_id": 1,
        "reason": "capacity",
        "source_key": str(n),
        "occurred_at": START - DAY * 500,
        "ends_at": at,
    }


def risk(p, at, n):
    return {
        "client_id": p["client_id"],
        "pool_id": 1,
        "analysed_at": at,
        "computed_at": at,
        "loss_count": 0,
        "decayed_loss_count": 0,
        "decayed_capacity_error_count": 0,
        "risk_score": 0,
        "recommendation": "safe",
    }


def reliability(p, at, n):
    return {
        "client_id": p["client_id"],
        "pool_id": 1,
        "period_start": at,
        "period_end": at,
        "loss_count": 0,
        "rebalance_count": 0,
        "capacity_error_count": 0,
        "point_count": 0,
        "computed_at": at,
    }


def filled_price(p, at, n):
    return {
        "client_id": p["client_id"],
        "pool_id": 1,
        "day_on": at.date(),
        "bucket_at": at,
        "price_usd_per_hour": 1,
        "method": "history",
        "before_at": at,
        "before_price_usd_per_hour": 1,
        "filled_at": at,
    }


def clean_price(p, at, n):
    return {
        "client_id": p["client_id"],
        "scope": p["client_id"],
        "pool_id": 1,
        "bucket_at": START - DAY * n,
        "day_on": START.date(),
        "price_usd_per_hour": 1,
        "source": "primary",
        "sample_count": 1,
        "report_count": 1,
        "spread_usd_per_hour": 0,
        "is_discrepant": 0,
        "updated_at": at,
    }


def closed_hour(p, at, n):
    return {"hour_at": at, "closed_at": at, "row_count": 0}


def decision(p, at, n):
    return p | {
        "trigger_source": "job",
        "source": "rules",
        "engine_type": "rules",
        "engine_version": "1",
        "action": "stay",
        "risk_score": 0,
        "expected_savings_usd_per_hour": 0,
        "present_mode": "spot",
        "input_data": "{}",
        "output_decision": "{}",
        "guard_outcome": "stay",
        "execution_time_ms": 1,
        "created_at": at,
    }


def risk_score(p, at, n):
    return p | {
        "risk_score": 0,
        "recommended_action": "stay",
        "recommended_mode": "spot",
        "expected_savings_usd_per_hour": 0,
        "allowed": 1,
        "reason": "x",
        "created_at": at,
    }


def prediction(p, at, n):
    return {
        "made_at": at,
        "client_id": p["client_id"],
        "pool_id": "m5.large.euw1-az1",
        "instance_type": "m5.large",
        "az": "euw1-az1",
        "model_version": "1",
        "horizon_minutes": 60,
        "probability": 0,
        "ends_at": at,
    }


RULES = {
    "deliveries": ("notification_deliveries", DAY * 30, delivery),
    "price gaps": ("pricing_data_gaps", DAY * 180, gap),
    "cool-downs": ("pool_cooldowns", DAY * 90, cooldown),
    "risk of pools": ("pool_risk_analysis", DAY * 30, risk),
    "reliability of pools": ("pool_reliability_metrics", DAY * 400, reliability),
    "filled prices": ("pricing_snapshots_interpolated", DAY * 400, filled_price),
    "clean prices": ("pricing_snapshots_clean", DAY * 400, clean_price),
    "closed hours": ("cost_hours", DAY * 400, closed_hour),
    "decisions": ("decision_engine_log", DAY * 90, decision),
    "predictions": ("model_predictions", DAY * 30, prediction),
    "risk scores": ("risk_scores", DAY * 90, risk_score),
    "ledger": ("cost_records", DAY * 400, cost_record),
    "corrections": ("cost_corrections", DAY * 400, cost_correction),
    "raw prices": ("spot_price_snapshots", timedelta(hours=48), snapshot),
    "reports": ("pricing_reports", DAY * 7, report),
    "on-demand prices": ("ondemand_price_snapshots", DAY * 400, ondemand),
    "health": ("agent_health_metrics", DAY * 30, health),
    "events": ("system_events", DAY * 180, event),
    "read notifications": (
        "notifications",
        DAY * 90,
        lambda p, at, n: notification(p, at, n, is_read=1),
    ),
    "unread notifications": ("notifications", DAY * 180, notification),
    "audit": ("audit_logs", DAY * 400, audit),
    "changed settings": ("agent_config_history", DAY * 400, config_change),
    "ended commands": ("commands", DAY * 30, command),
    "cleanup logs": ("cleanup_logs", DAY * 180, cleanup),
    "job runs": ("job_runs", DAY * 14, job_run),
    "expired logins": (
        "operator_sessions",
        timedelta(0),
        lambda p, at, n: login(p, at, n, expires_at=None),
    ),
    "idle logins": (
        "operator_sessions",
        DAY * 30,
        lambda p, at, n: login(p, at, n, seen_at=None),
    ),
    "revoked tokens": ("client_tokens", DAY * 30, token),
    "expired tokens": (
        "client_tokens",
        DAY * 30,
        lambda p, at, n: token(p, at, n, "expires_at"),
    ),
    "revoked keys": ("operator_api_keys", DAY * 30, api_key),
    "expired keys": (
        "operator_api_keys",
        DAY * 30,
        lambda p, at, n: api_key(p, at, n, "expires_at"),
    ),
}


@pytest.mark.parametrize(("table", "age", "make_row"), RULES.values(), ids=RULES)
def test_rows_are_deleted_at_their_age_and_not_before(database, parents, table, age, make_row):
    insert(database, table, **make_row(parents, START - age - SECOND, 1))
    insert(database, table, **make_row(parents, START - age + SECOND, 2))

    assert Housekeeping(database).purge_expired(now=START) == 1
    assert Housekeeping(database).purge_expired(now=START) == 0
    assert query(database, f"SELECT COUNT(*) AS n FROM {table}")[0]["n"] == 1
    assert Housekeeping(database).purge_expired(now=START + SECOND * 3) == 1


def test_every_rule_of_the_procedure_is_tried():
    procedure = (house.ROOT / "database/procedures/purge_expired.sql").read_text(encoding="utf-8")
    tables = re.findall(r"'(\w+) WHERE \w+ <", procedure)

    assert Counter(tables) == Counter(table for table, _, _ in RULES.values())


def test_open_commands_and_valid_credentials_are_kept_however_old(database, parents):
    insert(database, "commands", **command(parents, None, 1))
    insert(database, "client_tokens", **token(parents, None, 1))
    insert(database, "operator_api_keys", **api_key(parents, None, 1))

    assert Housekeeping(database).purge_expired(now=START + DAY * 900) == 0


def test_newest_done_run_of_a_job_is_kept_as_its_watermark(database):
    for slot, status in {1: "done", 2: "done", 3: "failed"}.items():
        values = job_run(None, START - DAY * 15, 0) | {"slot": slot, "status": status}
        insert(database, "job_runs", **values)
    insert(
        database,
        "job_runs",
        **(job_run(None, START - DAY * 15, 0) | {"slot": 4, "status": "running"}),
    )

    assert Housekeeping(database).purge_expired(now=START) == 2
    rows = query(database, "SELECT slot FROM job_runs ORDER BY slot ASC")
    assert [row["slot"] for row in rows] == [2, 4]


def test_one_call_is_bounded_and_the_next_goes_on(database):
    for number in range(25):
        insert(database, "system_events", **event(None, START - DAY * 200, number))

    counts = [
        database.run(
            "purge", lambda session: retention.purge_expired(session, now=START, max_rows=10)
        )
        for _ in range(4)
    ]

    assert counts == [10, 10, 5, 0]


def test_large_backlog_is_deleted_over_several_batches(database, parents):
    values = ", ".join(
        f"('x', 'info', '{number}', '2020-01-01 00:00:00')" for number in range(2500)
    )
    query(
        database,
        f"INSERT INTO system_events (event_type, severity, message, created_at) VALUES {values}",
    )

    assert Housekeeping(database).purge_expired(now=START) == 2500
