"""One health row per agent and bucket."""

from datetime import timedelta

import pytest

from backend.services.housekeeping import Housekeeping
from tests.fakes.clock import START
from tests.integration.jobs.rows import make_agent, query

pytestmark = pytest.mark.db


def record(database, bucket_at, now) -> int:
    return Housekeeping(database).record_agent_health(bucket_at=bucket_at, now=now)


def test_every_agent_gets_one_row_per_bucket(database):
    heard = make_agent(database)
    silent = make_agent(database, heard_at=None, role_changed_at=START - timedelta(minutes=3))
    make_agent(database, status="deleted", deleted_at=START)
    now = START + timedelta(seconds=12)

    assert [record(database, START, now) for _ in range(2)] == [2, 0]
    rows = query(
        database,
        "SELECT agent_id, bucket_at, silent_seconds, cpu_percent FROM agent_health_metrics"
        " ORDER BY agent_id ASC",
    )
    assert [(row["agent_id"], row["silent_seconds"]) for row in rows] == [
        (heard, 12),
        (silent, 192),
    ]
    assert {(row["bucket_at"], float(row["cpu_percent"])) for row in rows} == {(START, 12.5)}


def test_agent_that_came_late_gets_its_row_when_the_bucket_is_run_again(database):
    make_agent(database)
    record(database, START, START)
    make_agent(database)

    assert record(database, START, START) == 1


def test_primary_heard_after_the_instant_is_not_silent_below_zero(database):
    make_agent(database, heard_at=START + timedelta(seconds=5))
    record(database, START, START)

    assert query(database, "SELECT silent_seconds FROM agent_health_metrics") == [
        {"silent_seconds": 0}
    ]
