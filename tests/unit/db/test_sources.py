import pytest

from backend.db.sources import read_sources, table_names
from backend.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    for name in ("migrations", "procedures", "views", "events"):
        (tmp_path / name).mkdir()
    return tmp_path


def write(folder, name, text="CREATE TABLE IF NOT EXISTS a (id INT);"):
    (folder / name).write_text(text)


def test_sources_are_in_order_of_application(folder):
    write(folder, "migrations/0002_create_b.sql", "CREATE TABLE IF NOT EXISTS b (id INT);")
    write(folder, "migrations/0001_create_a.sql")
    write(folder, "events/e.sql", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    write(folder, "views/v.sql", "CREATE VIEW v AS SELECT 1 AS one")
    write(folder, "procedures/p.sql", "CREATE PROCEDURE p() SELECT 1")

    sources = read_sources(folder)

    assert [m.version for m in sources.migrations] == [1, 2]
    assert [(o.kind, o.name) for o in sources.objects] == [
        ("procedure", "p"),
        ("view", "v"),
        ("event", "e"),
    ]
    assert sources.version == 2
    assert table_names(sources) == ["a", "b"]


@pytest.mark.parametrize(
    "names",
    [
        ["0002_create_a.sql"],
        ["0001_create_a.sql", "0003_create_b.sql"],
        ["0001_create_a.sql", "0001_create_b.sql"],
    ],
)
def test_sources_are_refused_when_a_number_is_missing_or_used_twice(folder, names):
    for name in names:
        write(folder, f"migrations/{name}")

    with pytest.raises(ConfigError, match="missing or used twice"):
        read_sources(folder)


@pytest.mark.parametrize("name", ["1_create_a.sql", "create_a.sql", "0001-create-a.sql"])
def test_sources_are_refused_when_a_migration_has_no_number(folder, name):
    write(folder, f"migrations/{name}")

    with pytest.raises(ConfigError, match="NNNN_verb_object"):
        read_sources(folder)


def test_sources_are_refused_when_a_file_creates_something_else(folder):
    write(folder, "procedures/p.sql", "CREATE PROCEDURE other() SELECT 1")

    with pytest.raises(ConfigError, match="must hold CREATE PROCEDURE p"):
        read_sources(folder)


def test_sources_name_the_file_when_its_sql_is_broken(folder):
    write(folder, "migrations/0001_create_a.sql", "SELECT 'open")

    with pytest.raises(ConfigError, match=r"0001_create_a\.sql: SQL line 1"):
        read_sources(folder)


def test_checksum_changes_with_the_file_but_not_with_its_line_ends(folder):
    path = folder / "migrations" / "0001_create_a.sql"
    path.write_bytes(b"CREATE TABLE IF NOT EXISTS a (id INT);\n")
    before = read_sources(folder).migrations[0].checksum

    path.write_bytes(b"CREATE TABLE IF NOT EXISTS a (id INT);\r\n")
    windows = read_sources(folder).migrations[0].checksum
    path.write_bytes(b"CREATE TABLE IF NOT EXISTS a (id BIGINT);\n")
    edited = read_sources(folder).migrations[0].checksum

    assert windows == before
    assert edited != before
