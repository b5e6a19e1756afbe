"""The pool: bounded, patient, and over it when the server was away."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.db.connect import DatabaseAddress, connect
from backend.db.database import Database
from backend.db.pool import PING_AFTER_IDLE_SECONDS, Pool
from backend.errors import DatabaseUnavailable, PoolExhausted
from tests.database import migrated_server, open_pool
from tests.integration.db.asking import ask, ask_at

pytestmark = pytest.mark.db

CONNECTION_ID = "SELECT CONNECTION_ID() AS id"


def connection_id(database):
    return database.run("id", lambda session: ask(session, CONNECTION_ID))[0]["id"]


@pytest.fixture
def make_pool(address):
    pools = []

    def make(**options):
        pools.append(open_pool(address, **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server that the tests of this module may stop and kill."""
    durable = {"innodb-flush-log-at-trx-commit": "1"}
    with migrated_server(tmp_path_factory.mktemp("own") / "mysql", durable) as server:
        yield server


@pytest.fixture
def own_database(own_server):
    own_server.start()
    database = Database(open_pool(own_server.address, size=2))
    yield database
    database.close()


def test_driver_uses_its_c_extension_when_ssl_was_imported_first():
    code = "import ssl, hashlib, mysql.connector; print(mysql.connector.HAVE_CEXT)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"


def test_session_has_the_options_that_the_product_relies_on(database):
    names = {
        "collation_connection": "utf8mb4_bin",
        "time_zone": "+00:00",
        "autocommit": 1,
        "tx_isolation": "READ-COMMITTED",
    }

    row = database.run(
        "options", lambda s: ask(s, "SELECT " + ", ".join(f"@@{n} AS {n}" for n in names))
    )[0]

    assert row == names


def test_connection_is_lent_again_when_it_came_back(make_pool):
    database = Database(make_pool(size=2))

    assert connection_id(database) == connection_id(database)


def test_caller_waits_until_a_connection_comes_back(make_pool):
    pool = make_pool(size=1, wait_seconds=30)
    database, answers = Database(pool), []
    waiting = threading.Thread(target=lambda: answers.append(connection_id(database)))

    with pool.connection() as connection:
        lent = connection.connection_id
        waiting.start()
        assert answers == []
    waiting.join(30)

    assert answers == [lent]


def test_caller_is_refused_when_no_connection_comes_back(make_pool):
    pool = make_pool(size=1, wait_seconds=0.1)

    with pool.connection(), pytest.raises(PoolExhausted) as refused, pool.connection():
        pass

    assert refused.value.facts == {"size": 1, "waited_seconds": 0.1}


def test_slot_is_free_again_when_connecting_failed(address, tmp_path):
    where = iter([replace(address, unix_socket=tmp_path / "nobody.sock"), address])
    pool = Pool(lambda: connect(next(where)), size=1, wait_seconds=0.1, clock=SystemClock())

    with pytest.raises(DatabaseUnavailable), pool.connection():
        pass

    assert connection_id(Database(pool)) > 0
    pool.close()


def test_callers_wait_side_by_side_when_the_server_does_not_answer(clock):
    nobody = DatabaseAddress("x", "x", "x", unix_socket=Path("/nowhere/s.sock"))
    together = threading.Barrier(2)
    outcomes = []

    def connect_in_vain():
        if outcomes:  # a lone second caller would break the barrier: the first must not block it
            together.wait(10)
        return connect(nobody)

    def ask_once(pool):
        with pytest.raises(DatabaseUnavailable) as refused, pool.connection():
            pass
        outcomes.append(refused.value.facts["errno"])

    pool = Pool(connect_in_vain, size=2, wait_seconds=1, clock=clock)
    ask_once(pool)
    callers = [threading.Thread(target=ask_once, args=(pool,)) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)

    assert outcomes == [2002, 2002, 2002]


def test_connection_is_clean_when_its_last_user_failed(make_pool, address):
    database = Database(make_pool(size=1))

    def fail(transaction):
        ask(transaction, "INSERT INTO settings VALUES ('a', 'b', '2026-01-01')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transact("fail", fail)

    assert database.run("count", lambda s: ask(s, "SELECT name FROM settings")) == []


def test_dead_connection_is_replaced_when_it_was_idle_for_long(address, clock):
    pool = Pool(partial(connect, address), size=1, wait_seconds=1, clock=clock)
    database = Database(pool)
    first = connection_id(database)
    ask_at(address, f"KILL {first}")
    clock.advance(timedelta(seconds=PING_AFTER_IDLE_SECONDS))

    second = connection_id(database)

    assert second != first
    pool.close()


def test_one_call_fails_and_the_next_works_when_the_server_was_restarted(own_server, own_database):
    connection_id(own_database)
    own_server.stop()
    own_server.start()

    with pytest.raises(DatabaseUnavailable):
        connection_id(own_database)

    assert connection_id(own_database) > 0


def test_calls_fail_clearly_while_the_server_is_away(own_server, own_database):
    connection_id(own_database)
    os.kill(own_server.folder.server_pid(), signal.SIGKILL)

    for _ in range(4):  # more often than the pool is large: no slot may be lost
        with pytest.raises(DatabaseUnavailable):
            connection_id(own_database)

    own_server.start()
    assert connection_id(own_database) > 0


def test_committed_rows_survive_when_the_server_is_killed(own_server, own_database):
    own_database.run(
        "insert", lambda s: ask(s, "INSERT INTO settings VALUES ('kept', 'b', '2026-01-01')")
    )
    os.kill(own_server.folder.server_pid(), signal.SIGKILL)
    own_server.start()

    database = Database(open_pool(own_server.address))
    assert database.run("read", lambda s: ask(s, "SELECT name FROM settings")) == [{"name": "kept"}]
    database.close()
