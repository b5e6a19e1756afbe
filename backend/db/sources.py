"""Read ``database/``: what the schema should be.

``migrations/NNNN_verb_object.sql`` are numbered steps, applied once and never edited afterwards.
``procedures/``, ``views/`` and ``events/`` hold one object per file, replaced whenever it changes.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from backend.db.sql_text import single_statement, split_statements
from backend.errors import ConfigError

DATABASE_FOLDER = Path(__file__).resolve().parents[2] / "database"
KINDS = {"procedures": "procedure", "views": "view", "events": "event"}  # in order of dependency

T = TypeVar("T")

_MIGRATION = re.compile(r"^(\d{4})_[a-z][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step. ``name`` is the file's, with its number."""

    version: int
    name: str
    checksum: str
    statements: tuple[str, ...]

    def checksum_of_first(self, count: int) -> str:
        """Return the checksum of the first ``count`` statements: what a broken-off run has done."""
        return _checksum("\0".join(self.statements[:count]))


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One procedure, view or event. ``kind`` is that word."""

    kind: str
    name: str
    checksum: str
    statement: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything under ``database/``, in the order in which it is applied."""

    migrations: tuple[Migration, ...]
    objects: tuple[SchemaObject, ...]

    @property
    def version(self) -> int:
        """The newest migration's number; 0 without any."""
        return self.migrations[-1].version if self.migrations else 0


def read_sources(folder: Path = DATABASE_FOLDER) -> Sources:
    """Read and check the files.

    Raises:
        ConfigError: a file has a wrong name, a number is missing or used twice, a file is not
            readable as SQL, or an object's file creates something else than its name says.
    """
    migrations = [_migration(path) for path in sorted((folder / "migrations").glob("*.sql"))]
    for expected, migration in enumerate(migrations, 1):
        if migration.version != expected:
            raise ConfigError(f"Migration {expected:04} is missing or used twice: {migration.name}")
    objects = [
        _object(kind, path)
        for directory, kind in KINDS.items()
        for path in sorted((folder / directory).glob("*.sql"))
    ]
    return Sources(tuple(migrations), tuple(objects))


def table_names(sources: Sources) -> list[str]:
    """Return the tables that the migrations create, in order."""
    prefix = "CREATE TABLE IF NOT EXISTS "
    return [
        statement.removeprefix(prefix).split(maxsplit=1)[0].strip("`(")
        for migration in sources.migrations
        for statement in migration.statements
        if statement.startswith(prefix)
    ]


def _migration(path: Path) -> Migration:
    match = _MIGRATION.match(path.stem)
    if match is None:
        raise ConfigError(f"{path.name} is not named NNNN_verb_object.sql")
    text = _read(path)
    statements = _in_file(path, split_statements, text)
    return Migration(int(match[1]), path.stem, _checksum(text), tuple(statements))


def _object(kind: str, path: Path) -> SchemaObject:
    text = _read(path)
    statement = _in_file(path, single_statement, text)
    if not re.match(rf"CREATE\s+{kind}\s+{path.stem}\b", statement, re.IGNORECASE):
        raise ConfigError(f"{path.name} must hold CREATE {kind.upper()} {path.stem}")
    return SchemaObject(kind, path.stem, _checksum(text), statement)


def _in_file(path: Path, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error.message}") from error


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
