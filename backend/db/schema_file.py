"""Write ``database/schema.sql``: the same schema as the migrations, for the mysql client.

Loads any number of times. What cannot be repeated by itself (an ALTER, an UPDATE) is wrapped into a
procedure that first asks ``schema_migrations`` whether it was done. Leaves the same records as the
migrator, so that ``migrate up`` afterwards finds nothing to do.
"""

import re
from collections.abc import Iterable

from backend.db import schema_lock, schema_records
from backend.db.connect import COLLATION, SQL_MODE
from backend.db.sources import Migration, SchemaObject, Sources, table_names
from backend.errors import ConfigError

DATABASE = "spot_optimizer"
DELIMITER = "$$"

_NOW = "UTC_TIMESTAMP(3)"
_CREATE_TABLE = "CREATE TABLE IF NOT EXISTS "
_TAKES_AWAY = re.compile(r"\b(DROP\s+TABLE|RENAME)\b", re.IGNORECASE)
_INSERT = """\
INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)"""

_HEADER = f"""\
-- Spot Optimizer: the whole schema. Generated from database/ by `python -m backend migrate schema`;
-- change the files there, not this one.
--
--     mysql < database/schema.sql
--
-- Can be loaded again and again, by any account that owns the database {DATABASE}. A database of
-- another name: `python -m backend migrate up`, with DB_NAME.

CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE {COLLATION};
ALTER DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE {COLLATION};
USE {DATABASE};
SET NAMES utf8mb4 COLLATE {COLLATION};
SET time_zone = '+00:00';
SET sql_mode = '{SQL_MODE}';
"""


def render(sources: Sources) -> str:
    """Return the text of ``schema.sql``.

    Raises:
        ConfigError: a source contains the delimiter ``$$``.
    """
    parts = [
        _HEADER,
        _refuse_foreign_tables(sources),
        f"{schema_records.NAMED_SQL['create_table'].text};",
        f"{schema_lock.NAMED_SQL['create_lock_table'].text};",
        _refuse_newer(sources),
        *(part for migration in sources.migrations for part in _migration(migration, sources)),
        *(_object(item) for item in sources.objects),
        _record_objects(sources.objects),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _migration(migration: Migration, sources: Sources) -> Iterable[str]:
    """Yield a migration's statements, each safe to repeat, and its records."""
    key = f"kind = 'migration' AND name = '{migration.name}'"
    yield f"-- {migration.name}"
    yield (
        f"{_INSERT}\n"
        f"VALUES ('migration', '{migration.name}', {migration.version},"
        f" '{migration.checksum_of_first(0)}', NULL, 0, 0, NULL)\n"
        f"ON DUPLICATE KEY UPDATE version = {migration.version};"
    )
    for number, statement in enumerate(migration.statements, 1):
        if _is_repeatable(statement, sources):
            yield f"{statement};"
            continue
        yield _once(
            f"IF (SELECT statements_done FROM schema_migrations WHERE {key}) < {number} THEN\n"
            f"{statement};\n"
            f"UPDATE schema_migrations SET statements_begun = {number},"
            f" statements_done = {number}, checksum = '{migration.checksum_of_first(number)}'"
            f" WHERE {key};\n"
            "END IF;"
        )
    count = len(migration.statements)
    yield (
        f"UPDATE schema_migrations\n"
        f"SET statements_begun = {count}, statements_done = {count},"
        f" checksum = '{migration.checksum}', applied_at = {_NOW}\n"
        f"WHERE {key} AND applied_at IS NULL;"
    )


def _is_repeatable(statement: str, sources: Sources) -> bool:
    """Whether a statement may run at every load: a table that no later migration takes away."""
    if not statement.startswith(_CREATE_TABLE):
        return False
    name = statement.removeprefix(_CREATE_TABLE).split(maxsplit=1)[0].strip("`(")
    named = re.compile(rf"\b{name}\b")
    return not any(
        _TAKES_AWAY.search(other) and named.search(other)
        for migration in sources.migrations
        for other in migration.statements
    )


def _object(item: SchemaObject) -> str:
    drop = f"DROP {item.kind.upper()} IF EXISTS {item.name};"
    return f"-- {item.kind} {item.name}\n{drop}\n{_delimited(item.statement)}"


def _record_objects(items: tuple[SchemaObject, ...]) -> str:
    """Return the records of the objects, with the server's own rendering of each as fingerprint."""
    if not items:
        return ""
    wanted = "\n    UNION ALL\n".join(
        f"    SELECT '{item.kind}' AS kind, '{item.name}' AS name, '{item.checksum}' AS checksum"
        for item in items
    )
    return (
        f"{_INSERT}\n"
        f"SELECT w.kind, w.name, 0, w.checksum, f.fingerprint, 1, 1, {_NOW}\n"
        f"FROM (\n{wanted}\n) AS w\n"
        f"LEFT JOIN (\n{schema_records.NAMED_SQL['list_fingerprints'].text}\n) AS f\n"
        f"    ON {_exact('f.kind')} = {_exact('w.kind')}\n"
        f"    AND {_exact('f.name')} = {_exact('w.name')}\n"
        "ON DUPLICATE KEY UPDATE\n"
        "    checksum = VALUES(checksum),\n"
        "    fingerprint = VALUES(fingerprint),\n"
        "    applied_at = VALUES(applied_at);"
    )


def _exact(column: str) -> str:
    """The names in information_schema have a collation of their own, on every server another."""
    return f"CONVERT({column} USING utf8mb4) COLLATE {COLLATION}"


def _refuse_foreign_tables(sources: Sources) -> str:
    names = ", ".join(f"'{name}'" for name in table_names(sources))
    if not names:
        return ""
    tables = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
    return _once(
        f"IF NOT EXISTS ({tables} AND TABLE_NAME = 'schema_migrations')\n"
        f"AND EXISTS ({tables} AND TABLE_NAME IN (\n{names}\n)) THEN\n"
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT ="
        " 'This database holds tables that another program made';\n"
        "END IF;"
    )


def _refuse_newer(sources: Sources) -> str:
    return _once(
        "IF EXISTS (SELECT 1 FROM schema_migrations"
        f" WHERE kind = 'migration' AND version > {sources.version}) THEN\n"
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'This database is newer than this file';\n"
        "END IF;"
    )


def _once(body: str) -> str:
    """Run statements through a procedure that exists only for the while: only there can SQL ask."""
    create = _delimited(f"CREATE PROCEDURE schema_step()\nBEGIN\n{body}\nEND")
    drop = "DROP PROCEDURE IF EXISTS schema_step;"
    return f"{drop}\n{create}\nCALL schema_step();\n{drop}"


def _delimited(statement: str) -> str:
    if DELIMITER in statement:
        raise ConfigError(f"{DELIMITER} may not stand in the schema's sources: {statement[:80]!r}")
    return f"DELIMITER {DELIMITER}\n{statement}{DELIMITER}\nDELIMITER ;"
