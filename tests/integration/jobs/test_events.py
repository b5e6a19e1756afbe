"""The database's events and the jobs of the same name share their slots.

An event's body is run as a procedure of the test: the statements are the event's own, the moment
is the test's.
"""

from datetime import timedelta

import pytest

from backend.config import Settings
from backend.db.connect import connect
from backend.jobs.registry import JOBS
from backend.jobs.slots import slot_at
from backend.services.job_history import JobHistory
from backend.services.runtime_settings import publish_runtime_settings
from tests.integration.jobs.bench import make_node
from tests.integration.jobs.rows import agent_state, insert, make_agent, query
from tests.meta import house

pytestmark = pytest.mark.db

NAMES = [path.stem.removeprefix("evt_") for path in house.routine_files("events")]


@pytest.fixture
def fire(address, database):
    """Run the body of an event once, with its text changed where a test wants that."""
    connection = connect(address)

    def run(name: str, replaced: str = "", by: str = "") -> None:
        path = house.ROOT / "database" / "events" / f"evt_{name}.sql"
        body = house.bare_sql(path).split("\nDO\n", 1)[1].rstrip().rstrip(";")
        assert replaced in body
        connection.cmd_query("DROP PROCEDURE IF EXISTS fire_event")
        text = f"CREATE PROCEDURE fire_event()\n{body.replace(replaced, by) if replaced else body}"
        connection.cmd_query(text.encode())
        connection.cmd_query("CALL fire_event()")

    yield run
    connection.cmd_query("DROP PROCEDURE IF EXISTS fire_event")
    connection.close()


@pytest.fixture
def history(database):
    return JobHistory(database, "node")


@pytest.mark.parametrize("name", NAMES)
def test_event_is_in_the_database_with_the_period_of_its_job(address, name):
    connection = connect(address)
    connection.cmd_query(
        "SELECT interval_value, interval_field, on_completion FROM information_schema.events"
        f" WHERE event_schema = DATABASE() AND event_name = 'evt_{name}'".encode()
    )
    rows, _ = connection.get_rows()
    connection.close()

    (row,) = rows
    unit = {"MINUTE": timedelta(minutes=1), "DAY": timedelta(days=1)}[row[1]]
    assert int(row[0]) * unit == JOBS[name].period
    assert row[2] == "PRESERVE"


@pytest.mark.parametrize("name", NAMES)
def test_event_runs_the_slot_that_the_job_would_run(fire, history, name):
    before = history.now()
    fire(name)
    after = history.now()

    (run,) = history.runs(name, limit=5)
    assert run.slot in {slot_at(before, JOBS[name].period), slot_at(after, JOBS[name].period)}
    assert (run.status, run.node, run.attempt) == ("done", "event", 1)
    assert run.row_count is not None
    assert before <= run.started_at <= run.finished_at <= after


def test_job_leaves_a_slot_alone_that_the_event_has_run(fire, database):
    runner, history = make_node(database)
    fire("purge_expired")

    assert runner.wake(JOBS["purge_expired"]) == 0
    assert history.runs("purge_expired", limit=5)[0].node == "event"


def test_event_leaves_a_slot_alone_that_the_job_has_run(fire, database):
    runner, history = make_node(database)
    runner.wake(JOBS["purge_expired"])
    fire("purge_expired")

    (run,) = history.runs("purge_expired", limit=5)
    assert (run.node, run.attempt) == ("node-1", 1)


@pytest.mark.parametrize("name", NAMES)
def test_event_does_nothing_while_a_node_runs_the_job(fire, history, name):
    now = history.now()
    old_slot = slot_at(now, JOBS[name].period) - 5
    history.start(name, old_slot, now=now, lease=timedelta(minutes=5))
    fire(name)

    (run,) = history.runs(name, limit=5)
    assert (run.slot, run.status, run.node) == (old_slot, "running", "node")


@pytest.mark.parametrize("name", NAMES)
def test_event_closes_the_run_of_a_vanished_node(fire, history, name):
    now = history.now()
    old_slot = slot_at(now, JOBS[name].period) - 5
    history.start(name, old_slot, now=now, lease=timedelta(0))
    fire(name)

    newest, old = history.runs(name, limit=5)
    assert (newest.status, newest.node) == ("done", "event")
    assert (old.slot, old.status) == (old_slot, "failed")


@pytest.mark.parametrize("name", NAMES)
def test_failing_event_is_recorded_and_retried_by_the_job(fire, history, name):
    fire(name, f"CALL {name}(", "CALL no_such_procedure(")

    (run,) = history.runs(name, limit=5)
    assert (run.status, run.node, run.error) == ("failed", "event", "database error 1305")
    assert history.retake(run, now=history.now(), lease=timedelta(minutes=1)).attempt == 2


def test_event_marks_agents_with_the_published_timeout(fire, database, history, clock):
    now = history.now()
    settings = Settings.model_validate({"AGENT_HEARTBEAT_TIMEOUT": "600"})
    publish_runtime_settings(database, settings, clock)
    patient = make_agent(database, heard_at=now - timedelta(seconds=590))
    silent = make_agent(database, heard_at=now - timedelta(seconds=660))
    fire("mark_stale_agents")

    assert agent_state(database, patient) == ("online", 1)
    assert agent_state(database, silent) == ("offline", 0)
    assert history.runs("mark_stale_agents", limit=1)[0].row_count == 1


def test_event_marks_agents_after_two_minutes_when_nothing_is_published(fire, database, history):
    now = history.now()
    patient = make_agent(database, heard_at=now - timedelta(seconds=60))
    silent = make_agent(database, heard_at=now - timedelta(seconds=150))
    fire("mark_stale_agents")

    assert agent_state(database, patient)[0] == "online"
    assert agent_state(database, silent)[0] == "offline"


def test_event_purges_by_the_real_clock(fire, database, history):
    now = history.now()
    for age in (timedelta(days=179), timedelta(days=181)):
        insert(
            database,
            "system_events",
            event_type="x",
            severity="info",
            message="x",
            created_at=now - age,
        )
    fire("purge_expired")

    assert query(database, "SELECT COUNT(*) AS n FROM system_events") == [{"n": 1}]


def test_settings_are_published_again_without_a_change(database, clock):
    publish_runtime_settings(database, Settings(), clock)
    first = query(database, "SELECT name, value, updated_at FROM settings ORDER BY name ASC")
    clock.advance(timedelta(hours=1))
    publish_runtime_settings(database, Settings(), clock)

    assert (
        query(database, "SELECT name, value, updated_at FROM settings ORDER BY name ASC") == first
    )
    assert {row["name"]: row["value"] for row in first} == {
        "agent_heartbeat_timeout_seconds": "120",
        "agent_offline_confirm_seconds": "60",
    }
