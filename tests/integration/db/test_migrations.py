"""The migrator on databases of its own: files in, the same schema out, whatever happens between."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.clock import SystemClock
from backend.db.migrations import Migrator, SchemaMismatch
from backend.db.objects import SchemaChangeFailed
from backend.db.schema_lock import SchemaLocked
from backend.db.sources import read_sources
from backend.errors import DatabaseUnavailable
from tests.integration.db.asking import ask, ask_at, describe, session_at

pytestmark = pytest.mark.db

CREATE_A = "CREATE TABLE IF NOT EXISTS a (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0);"
ADD_COLUMN = "ALTER TABLE a ADD COLUMN b INT;"
INSERT = "INSERT INTO a (id) VALUES (1);"

IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from backend.clock import SystemClock
from backend.db.connect import DatabaseAddress
from backend.db.migrations import Migrator
from backend.db.sources import read_sources
name, user, password, socket, folder = sys.argv[1:]
address = DatabaseAddress(name, user, password, unix_socket=Path(socket))
print(len(Migrator(address, SystemClock(), read_sources(Path(folder))).up()), flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("migrations", "procedures", "views", "events"):
        (tmp_path / name).mkdir()
    return tmp_path


def write(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)


def migrator(address, folder, clock=None):
    return Migrator(address, clock or SystemClock(), read_sources(folder))


def states(migrator):
    return {item.name: item.state for item in migrator.status()}


def start_process(address, folder):
    words = [address.name, address.user, address.password, str(address.unix_socket), str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, *words], stdout=subprocess.PIPE, text=True
    )


def test_second_run_changes_nothing_when_all_is_applied(scratch):
    sources = read_sources()
    told = []

    first = Migrator(scratch, SystemClock()).up(told.append)
    before = describe(scratch)
    second = Migrator(scratch, SystemClock()).up(told.append)

    assert len(first) == len(sources.migrations) + len(sources.objects)
    assert second == []
    assert told == first
    assert describe(scratch) == before
    assert Migrator(scratch, SystemClock()).problems() == []


def test_everything_is_pending_when_the_database_is_empty(scratch):
    items = Migrator(scratch, SystemClock()).status()

    assert {item.state for item in items} == {"pending"}
    assert ask_at(scratch, "SHOW TABLES") == []


def test_up_refuses_when_an_applied_migration_was_edited(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": CREATE_A})
    migrator(scratch, folder).up()
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}\n-- An afterthought.\n"})

    with pytest.raises(SchemaMismatch, match="0001_create_a was edited"):
        migrator(scratch, folder).up()

    assert states(migrator(scratch, folder)) == {"0001_create_a": "edited"}


def test_up_refuses_when_the_database_is_newer_than_the_program(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": CREATE_A})
    write(folder, {"migrations/0002_add_b.sql": ADD_COLUMN})
    migrator(scratch, folder).up()
    (folder / "migrations/0002_add_b.sql").unlink()

    with pytest.raises(SchemaMismatch, match=r"0002_add_b.*update the program"):
        migrator(scratch, folder).up()

    assert states(migrator(scratch, folder))["0002_add_b"] == "unknown"


def test_up_refuses_when_another_program_owns_the_tables(scratch):
    ask_at(scratch, "CREATE TABLE agents (id INT PRIMARY KEY)")

    with pytest.raises(SchemaMismatch, match="table agents that this program did not make"):
        Migrator(scratch, SystemClock()).up()

    assert [list(row.values()) for row in ask_at(scratch, "SHOW TABLES")] == [["agents"]]


def test_up_names_the_statement_when_the_database_refuses_it(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{INSERT}ALTER TABLE a ADD n INT;"})

    with pytest.raises(SchemaChangeFailed, match=r"0001_create_a, statement 3 of 3: .*'n'"):
        migrator(scratch, folder).up()

    assert states(migrator(scratch, folder)) == {"0001_create_a": "interrupted"}


def test_up_continues_after_the_failed_statement_when_it_was_mended(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{INSERT}ALTER TABLE a ADD n INT;"})
    with pytest.raises(SchemaChangeFailed):
        migrator(scratch, folder).up()
    with pytest.raises(SchemaChangeFailed):  # a refusal is no crash: it is not taken for done
        migrator(scratch, folder).up()

    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{INSERT}{ADD_COLUMN}"})
    migrator(scratch, folder).up()

    assert ask_at(scratch, "SELECT id, n, b FROM a") == [{"id": 1, "n": 0, "b": None}]
    assert migrator(scratch, folder).problems() == []


def test_up_refuses_to_continue_when_the_done_part_was_edited(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}BROKEN;"})
    with pytest.raises(SchemaChangeFailed):
        migrator(scratch, folder).up()
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A.replace('n INT', 'm INT')}{INSERT}"})

    with pytest.raises(SchemaMismatch, match="edited"):
        migrator(scratch, folder).up()


@pytest.mark.parametrize("has_happened", [True, False])
def test_up_continues_when_a_crash_hid_whether_a_column_was_added(scratch, folder, has_happened):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}BROKEN;"})
    with pytest.raises(SchemaChangeFailed):
        migrator(scratch, folder).up()
    # What a process leaves that was killed while its ALTER ran.
    ask_at(scratch, "UPDATE schema_migrations SET statements_begun = 2")
    if has_happened:
        ask_at(scratch, ADD_COLUMN)
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{ADD_COLUMN}{INSERT}"})

    migrator(scratch, folder).up()

    assert ask_at(scratch, "SELECT id, b FROM a") == [{"id": 1, "b": None}]


def test_rows_change_exactly_once_when_a_run_is_killed_in_the_middle(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{INSERT}"})
    migrator(scratch, folder).up()
    write(folder, {"migrations/0002_count.sql": "UPDATE a SET n = n + 1;UPDATE a SET n = n + 10;"})
    clock = SystemClock()
    with session_at(scratch) as blocker:
        ask_in(blocker, "START TRANSACTION", "UPDATE a SET n = 0 WHERE id = 1")
        process = start_process(scratch, folder)
        wait_until_blocked(scratch, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        ask_in(blocker, "ROLLBACK")

    later = Later(clock, timedelta(minutes=1))  # the dead process's lease has ended by then
    changes = migrator(scratch, folder, later).up()

    assert changes == ["migration 0002_count: applied"]
    assert ask_at(scratch, "SELECT n FROM a") == [{"n": 11}]


def test_two_processes_work_once_when_they_start_together(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": f"{CREATE_A}{INSERT}"})
    write(folder, {"procedures/p.sql": "CREATE PROCEDURE p() SELECT 1"})

    processes = [start_process(scratch, folder) for _ in range(2)]
    answers = sorted(process.communicate(timeout=60)[0].strip() for process in processes)

    assert answers == ["0", "2"]
    assert ask_at(scratch, "SELECT COUNT(*) AS n FROM a") == [{"n": 1}]


def test_up_waits_in_vain_when_another_process_holds_the_lock(scratch, folder, clock):
    write(folder, {"migrations/0001_create_a.sql": CREATE_A})
    migrator(scratch, folder).up()
    hold_lock(scratch, clock.now() + timedelta(seconds=30))

    with pytest.raises(SchemaLocked, match="being changed by somebody"):
        migrator(scratch, folder, clock).up(lock_wait_seconds=0.3)

    clock.advance(timedelta(seconds=30))
    migrator(scratch, folder, clock).up(lock_wait_seconds=0.3)
    assert ask_at(scratch, "SELECT owner FROM schema_lock") == []


def test_lock_is_given_back_when_a_statement_fails(scratch, folder):
    write(folder, {"migrations/0001_create_a.sql": "BROKEN;"})

    with pytest.raises(SchemaChangeFailed):
        migrator(scratch, folder).up()

    assert ask_at(scratch, "SELECT owner FROM schema_lock") == []


def test_objects_follow_their_files(scratch, folder):
    write(
        folder,
        {
            "migrations/0001_create_a.sql": CREATE_A,
            "procedures/p.sql": "CREATE PROCEDURE p() SELECT 1 AS n",
            "views/v.sql": "CREATE VIEW v AS SELECT id FROM a",
            "events/e.sql": "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CALL p()",
        },
    )
    migrator(scratch, folder).up()
    write(folder, {"procedures/p.sql": "CREATE PROCEDURE p() SELECT 2 AS n"})
    (folder / "views/v.sql").unlink()

    seen = states(migrator(scratch, folder))
    changes = migrator(scratch, folder).up()

    assert seen == {"0001_create_a": "applied", "p": "changed", "e": "applied", "v": "unknown"}
    assert changes == ["procedure p: replaced", "view v: dropped, its file is gone"]
    assert ask_at(scratch, "CALL p()") == [{"n": 2}]
    assert migrator(scratch, folder).problems() == []


@pytest.mark.parametrize(
    ("by_hand", "state"),
    [
        (["DROP PROCEDURE p"], "missing"),
        (["DROP PROCEDURE p", "CREATE PROCEDURE p() SELECT 3 AS n"], "drifted"),
    ],
)
def test_objects_are_restored_when_somebody_changed_them(scratch, folder, by_hand, state):
    write(folder, {"procedures/p.sql": "CREATE PROCEDURE p() SELECT 1 AS n"})
    migrator(scratch, folder).up()
    for statement in by_hand:
        ask_at(scratch, statement)

    assert states(migrator(scratch, folder)) == {"p": state}
    assert migrator(scratch, folder).up() == ["procedure p: replaced"]
    assert ask_at(scratch, "CALL p()") == [{"n": 1}]


def test_events_are_left_to_the_jobs_when_the_account_may_not_create_them(new_database):
    rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER"
    routines = "CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE"
    address = new_database(f"{rights}, {routines}, CREATE TEMPORARY TABLES")

    changes = Migrator(address, SystemClock()).up()

    events = [item.name for item in read_sources().objects if item.kind == "event"]
    assert events
    assert [change for change in changes if "not permitted" in change] == [
        f"event {name}: not permitted to this account, the background job does its work"
        for name in events
    ]
    assert Migrator(address, SystemClock()).problems() == []


def test_database_is_named_when_it_cannot_be_reached(scratch, tmp_path):
    nowhere = replace(scratch, unix_socket=tmp_path / "no.sock")

    with pytest.raises(DatabaseUnavailable):
        Migrator(nowhere, SystemClock()).up()


class Later:
    """The machine's clock, some time ahead."""

    def __init__(self, clock, ahead):
        self._clock = clock
        self._ahead = ahead

    def now(self):
        return self._clock.now() + self._ahead

    def monotonic(self):
        return self._clock.monotonic()


def ask_in(session, *texts):
    for text in texts:
        ask(session, text)


def wait_until_blocked(address, process):
    """Until a statement of the process waits for a row that we hold."""
    waiting = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'UPDATE a%'"
    with session_at(address) as session:
        while not ask(session, waiting):
            assert process.poll() is None, "it ended without waiting"


def hold_lock(address, until):
    ask_at(
        address,
        "INSERT INTO schema_lock (name, owner, expires_at)"
        f" VALUES ('schema', 'somebody', '{until:%Y-%m-%d %H:%M:%S}')",
    )
