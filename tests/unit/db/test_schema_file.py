import pytest

from backend.db.schema_file import render
from backend.db.sources import Migration, SchemaObject, Sources
from backend.errors import ConfigError

CREATE = "CREATE TABLE IF NOT EXISTS a (id INT)"


def sources(*statements, objects=()):
    return Sources((Migration(1, "0001_create_a", "sum", statements),), objects)


def test_tables_are_plain_when_nothing_takes_them_away():
    assert f"\n{CREATE};\n" in render(sources(CREATE))


@pytest.mark.parametrize("later", ["DROP TABLE a", "RENAME TABLE a TO b", "ALTER TABLE a RENAME b"])
def test_tables_are_created_once_when_a_later_statement_takes_them_away(later):
    text = render(sources(CREATE, later))

    assert f"< 1 THEN\n{CREATE};\n" in text
    assert f"< 2 THEN\n{later};\n" in text


def test_changes_run_only_once_when_the_file_is_loaded_again():
    text = render(sources(CREATE, "ALTER TABLE a ADD COLUMN b INT"))

    assert "AND name = '0001_create_a') < 2 THEN\nALTER TABLE a ADD COLUMN b INT;\n" in text


def test_objects_are_dropped_before_they_are_created():
    view = SchemaObject("view", "v", "sum", "CREATE VIEW v AS SELECT 1 AS one")

    text = render(sources(CREATE, objects=(view,)))

    assert "DROP VIEW IF EXISTS v;\nDELIMITER $$\nCREATE VIEW v AS SELECT 1 AS one$$\n" in text


def test_sources_are_refused_when_they_hold_the_delimiter():
    with pytest.raises(ConfigError, match="may not stand"):
        render(sources("INSERT INTO a VALUES ('$$')"))
