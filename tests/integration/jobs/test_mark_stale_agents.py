"""The procedure mark_stale_agents: who goes offline, who is told, and what a heartbeat keeps."""

import threading
from datetime import timedelta

import pytest

from backend.services.housekeeping import Housekeeping
from tests.fakes.clock import START
from tests.integration.jobs.rows import agent_state, insert, make_agent, make_client, query

pytestmark = pytest.mark.db

TIMEOUT = timedelta(seconds=120)
CONFIRM = timedelta(seconds=60)
TICK = timedelta(milliseconds=1)

HEARTBEAT = (
    "UPDATE instances SET last_seen_at = %(now)s WHERE agent_id = %(agent_id)s AND is_steady = 1"
)


def mark(database, now) -> int:
    return Housekeeping(database).mark_stale_agents(
        now=now, timeout=TIMEOUT, offline_confirm=CONFIRM
    )


def count(database, table: str) -> int:
    return query(database, f"SELECT COUNT(*) AS n FROM {table}")[0]["n"]


def test_silent_agent_goes_offline_with_an_event_and_a_notification(database):
    agent_id = make_agent(database)
    now = START + TIMEOUT + TICK

    assert mark(database, now) == 1

    assert agent_state(database, agent_id) == ("offline", 0)
    (event,) = query(
        database,
        "SELECT event_type, severity, agent_id, created_at,"
        " JSON_UNQUOTE(JSON_EXTRACT(details, '$.last_heard_at')) AS last_heard_at"
        " FROM system_events",
    )
    assert event == {
        "event_type": "agent_marked_offline",
        "severity": "warning",
        "agent_id": agent_id,
        "created_at": now,
        "last_heard_at": "2026-03-02T12:00:00Z",
    }
    (notification,) = query(
        database, "SELECT agent_id, notification_type, is_read, message FROM notifications"
    )
    assert notification["agent_id"] == agent_id
    assert notification["notification_type"] == "agent_offline"
    assert "2026-03-02 12:00:00 UTC" in notification["message"]


def test_agent_stays_online_until_the_timeout_is_over(database):
    agent_id = make_agent(database)

    assert mark(database, START + TIMEOUT) == 0
    assert agent_state(database, agent_id) == ("online", 1)


def test_agent_is_marked_once(database):
    make_agent(database)

    assert [mark(database, START + TIMEOUT * 2) for _ in range(3)] == [1, 0, 0]
    assert count(database, "notifications") == 1


def test_primary_never_heard_counts_from_its_promotion(database):
    agent_id = make_agent(database, heard_at=None, role_changed_at=START)

    assert mark(database, START + TIMEOUT) == 0
    assert mark(database, START + TIMEOUT + TICK) == 1
    assert agent_state(database, agent_id) == ("offline", 0)


def test_deleted_and_offline_agents_are_left_alone(database):
    make_agent(database, status="deleted", deleted_at=START)
    make_agent(database, status="offline")
    make_agent(database, status="online", deleted_at=START)

    assert mark(database, START + TIMEOUT * 9) == 0


def test_other_instances_do_not_keep_an_agent_online(database):
    agent_id = make_agent(database)
    now = START + TIMEOUT + TICK
    (client,) = query(
        database, "SELECT client_id FROM agents WHERE id = %(agent_id)s", agent_id=agent_id
    )
    insert(
        database,
        "instances",
        agent_id=agent_id,
        instance_id="i-replica",
        role="replica",
        role_reason="order",
        mode="spot",
        instance_type="m5.large",
        region="eu-west-1",
        az="eu-west-1b",
        last_seen_at=now,
        role_changed_at=START,
        is_steady=1,
        **client,
    )

    assert mark(database, now) == 1
    (replica,) = query(database, "SELECT is_steady FROM instances WHERE instance_id = 'i-replica'")
    assert replica["is_steady"] == 1


@pytest.mark.parametrize(
    ("heard_after_the_goodbye", "waited", "marked"),
    [
        (timedelta(0), CONFIRM, 0),
        (timedelta(0), CONFIRM + TICK, 1),
        (-timedelta(seconds=5), CONFIRM + TICK, 1),
        (TICK, CONFIRM + TICK, 0),
    ],
)
def test_goodbye_counts_only_when_silence_follows(
    database, heard_after_the_goodbye, waited, marked
):
    make_agent(database, heard_at=START + heard_after_the_goodbye, offline_announced_at=START)

    assert mark(database, START + waited) == marked


def test_many_agents_are_marked_over_several_batches(database):
    client_id = make_client(database)
    query(
        database,
        "INSERT INTO agents (id, client_id, logical_agent_id, status, primary_instance_id,"
        " created_at, updated_at) SELECT CONCAT('agent-', seq), %(client_id)s, CONCAT('n', seq),"
        " 'online', CONCAT('i-', seq), %(now)s, %(now)s FROM ("
        " WITH RECURSIVE numbers AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM numbers"
        " WHERE seq < 900) SELECT seq FROM numbers) AS n",
        client_id=client_id,
        now=START,
    )
    query(
        database,
        "INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, mode,"
        " instance_type, region, az, last_seen_at, role_changed_at) SELECT id,"
        " primary_instance_id, client_id, 'primary', 'first', 'spot', 'm5.large', 'eu-west-1',"
        " 'eu-west-1a', %(now)s, %(now)s FROM agents",
        now=START,
    )

    assert mark(database, START + TIMEOUT * 2) == 900
    assert count(database, "system_events") == count(database, "notifications") == 900


def test_heartbeat_that_comes_first_keeps_the_agent_online(database):
    agent_id = make_agent(database)
    now = START + TIMEOUT * 2
    reached, marked = threading.Event(), []

    def work(transaction):
        statement_ran = _run(transaction, HEARTBEAT, now=now, agent_id=agent_id)
        thread = threading.Thread(
            target=lambda: (reached.set(), marked.append(mark(database, now)))
        )
        thread.start()
        _wait_for_lock(transaction, reached)
        transaction.commit()
        return statement_ran, thread

    beats, thread = database.transact("test", work)
    thread.join(10)

    assert (beats, marked) == (1, [0])
    assert agent_state(database, agent_id) == ("online", 1)
    assert count(database, "system_events") == 0


def test_heartbeat_that_comes_second_is_sent_the_long_way(database):
    agent_id = make_agent(database)
    now = START + TIMEOUT * 2
    mark(database, now)

    beats = database.run(
        "test", lambda session: _run(session, HEARTBEAT, now=now, agent_id=agent_id)
    )

    assert beats == 0


def test_beating_agents_are_never_lost_among_silent_ones(database):
    """Agents beat while others are marked: who beat on the short way is online at the end."""
    client_id = make_client(database)
    agents = [make_agent(database, client_id) for _ in range(40)]
    now = START + TIMEOUT * 2
    start = threading.Barrier(2)
    beaten = []

    def beat():
        start.wait()
        for agent_id in reversed(agents):
            done = database.run(
                "test",
                lambda session, agent_id=agent_id: _run(
                    session, HEARTBEAT, now=now, agent_id=agent_id
                ),
            )
            if done:
                beaten.append(agent_id)

    thread = threading.Thread(target=beat)
    thread.start()
    start.wait()
    marked = mark(database, now)
    thread.join(10)

    assert marked + len(beaten) == len(agents)
    assert {agent_state(database, agent_id) for agent_id in beaten} <= {("online", 1)}


def _run(session, sql: str, **params) -> int:
    from backend.db.statements import Statement

    return session.run(Statement.compile("test", sql), params)


def _wait_for_lock(session, reached: threading.Event) -> None:
    """Wait until another connection of ours stands in the procedure's locking UPDATE."""
    from backend.db.statements import Statement

    waiting = Statement.compile(
        "test",
        "SELECT COUNT(*) AS n FROM information_schema.processlist"
        " WHERE id <> CONNECTION_ID() AND info LIKE '%stale_candidates AS c%'",
    )
    assert reached.wait(10)
    pause = threading.Event()
    for _ in range(500):
        if session.row(waiting)["n"]:
            return
        pause.wait(0.01)
    pytest.fail("the procedure never came to its locks")
