"""``database/schema.sql`` through the mysql client: the same database as the migrations make."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.db.migrations import Migrator
from backend.db.schema_file import render
from backend.db.sources import DATABASE_FOLDER, read_sources
from tests.database import migrated_server
from tests.integration.db.asking import ask_at, describe

pytestmark = pytest.mark.db

SCHEMA_FILE = DATABASE_FOLDER / "schema.sql"
ELSEWHERE = {
    "character-set-server": "latin1",
    "collation-server": "latin1_swedish_ci",
    "default-time-zone": "+05:30",
    "sql-mode": "ANSI_QUOTES",
}


@pytest.fixture(scope="module")
def foreign_server(tmp_path_factory):
    """A server with other defaults than ours, in character set, collation, time zone and mode."""
    folder = tmp_path_factory.mktemp("foreign") / "mysql"
    with migrated_server(folder, ELSEWHERE) as server:
        yield server


@pytest.fixture
def empty_database(foreign_server):
    """The application's database, empty, with that server's defaults."""
    ask_at(foreign_server.root_address, "DROP DATABASE spot_optimizer")
    ask_at(foreign_server.root_address, "CREATE DATABASE spot_optimizer")
    return foreign_server.address


def load(address, text: str) -> subprocess.CompletedProcess[str]:
    client = shutil.which("mariadb") or shutil.which("mysql")
    assert client, "no mysql client on this machine"
    credentials = [f"--user={address.user}", f"--password={address.password}"]
    words = [client, "--no-defaults", f"--socket={address.unix_socket}", *credentials]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False)


def load_file(address, path: Path = SCHEMA_FILE) -> None:
    done = load(address, path.read_text())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_file_is_what_the_sources_say():
    assert SCHEMA_FILE.read_text() == render(read_sources()), (
        "run: python -m backend migrate schema"
    )


def test_file_makes_what_the_migrations_make(empty_database, database_server):
    load_file(empty_database)

    assert describe(empty_database) == describe(database_server.address)


def test_migrations_make_the_same_under_other_defaults(empty_database, database_server):
    Migrator(empty_database, SystemClock()).up()

    assert describe(empty_database) == describe(database_server.address)


def test_nothing_changes_when_the_file_is_loaded_again(empty_database):
    load_file(empty_database)
    before = describe(empty_database)

    load_file(empty_database)

    assert describe(empty_database) == before
    assert Migrator(empty_database, SystemClock()).up() == []
    assert Migrator(empty_database, SystemClock()).problems() == []


def test_file_changes_nothing_when_the_migrations_came_first(empty_database):
    Migrator(empty_database, SystemClock()).up()
    before = describe(empty_database)

    load_file(empty_database)

    assert describe(empty_database) == before


def test_rows_stay_when_the_file_is_loaded_again(empty_database):
    load_file(empty_database)
    ask_at(empty_database, "INSERT INTO settings VALUES ('a', 'kept', '2026-01-01')")

    load_file(empty_database)

    assert ask_at(empty_database, "SELECT value FROM settings") == [{"value": "kept"}]


def test_file_is_refused_when_the_database_is_newer(empty_database):
    load_file(empty_database)
    ask_at(
        empty_database,
        "UPDATE schema_migrations SET version = 9999 WHERE kind = 'migration' LIMIT 1",
    )

    done = load(empty_database, SCHEMA_FILE.read_text())

    assert done.returncode != 0
    assert "newer than this file" in done.stderr


def test_file_is_refused_when_another_program_owns_the_tables(empty_database):
    ask_at(empty_database, "CREATE TABLE agents (id INT PRIMARY KEY)")

    done = load(empty_database, SCHEMA_FILE.read_text())

    assert done.returncode != 0
    assert "another program" in done.stderr
    tables = ask_at(empty_database, "SHOW TABLES")
    assert [list(row.values()) for row in tables] == [["agents"]]


def test_changes_of_later_migrations_run_once_through_the_file(empty_database, tmp_path):
    for kind in ("migrations", "procedures", "views", "events"):
        (tmp_path / kind).mkdir()
    steps = {
        "0001_create_a": "CREATE TABLE IF NOT EXISTS a (id INT PRIMARY KEY);"
        "CREATE TABLE IF NOT EXISTS old (id INT PRIMARY KEY);",
        "0002_change_a": "ALTER TABLE a ADD COLUMN n INT NOT NULL DEFAULT 0;"
        "INSERT INTO a (id) VALUES (1);UPDATE a SET n = n + 1;DROP TABLE old;",
    }
    for name, text in steps.items():
        (tmp_path / "migrations" / f"{name}.sql").write_text(text)
    sources = read_sources(tmp_path)

    for _ in range(2):
        done = load(empty_database, render(sources))
        assert (done.returncode, done.stderr) == (0, "")

    assert ask_at(empty_database, "SELECT id, n FROM a") == [{"id": 1, "n": 1}]
    assert ask_at(empty_database, "SHOW TABLES LIKE 'old'") == []
    assert Migrator(empty_database, SystemClock(), sources).up() == []


def test_tables_compare_by_byte_under_other_defaults(empty_database):
    load_file(empty_database)

    collations = ask_at(
        empty_database,
        "SELECT DISTINCT COLLATION_NAME AS c FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME IS NOT NULL AND TABLE_NAME NOT IN"
        " (SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE())",
    )

    assert {row["c"] for row in collations} == {"utf8mb4_bin"}


def test_only_the_file_for_the_client_knows_delimiters():
    sources = [*DATABASE_FOLDER.glob("*/*.sql")]

    assert not [path.name for path in sources if re.search(r"^DELIMITER", path.read_text(), re.M)]
