"""What the house rules look at: the files of the project, and the names inside its SQL."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("backend", "agent", "decision_engines", "simulator", "benchmarks")
ROOMS = (*PRODUCT, "database", "models", "tests", "docs", ".ci")
TEXT = {".py", ".sql", ".md", ".toml", ".txt", ".sh", ".html", ".css", ".js", ".json", ".yml", ""}
VENDORED = {"vendor", "__pycache__", ".ruff_cache"}

_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
_ALLOWED = re.compile(r"CONSTRAINT (\w+) CHECK \(\s*\w+ IN \(([^)]*)\)\s*\)")


def relative(path: Path) -> str:
    """The path as people write it: from the top of the project, with slashes."""
    return path.relative_to(ROOT).as_posix()


def python_files(*rooms: str) -> list[Path]:
    """Every Python file of these rooms."""
    return [path for path in _files(rooms) if path.suffix == ".py"]


def text_files() -> list[Path]:
    """Every text file that belongs to the project, the ones at the top included."""
    at_top = [path for path in ROOT.iterdir() if path.is_file() and not _is_private(path)]
    inside = [path for path in _files(ROOMS) if not _is_model(path)]
    return [path for path in (*at_top, *inside) if path.suffix in TEXT]


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def statement_files() -> list[Path]:
    """The files of named SQL."""
    return [path for path in _files(("backend",)) if path.suffix == ".sql"]


def routine_files(kind: str) -> list[Path]:
    """The files of ``procedures``, ``views`` or ``events``."""
    return sorted((ROOT / "database" / kind).glob("*.sql"))


def bare_sql(path: Path) -> str:
    """The SQL of a file without its comments."""
    return _COMMENT.sub("", path.read_text(encoding="utf-8"))


def migrations() -> str:
    """The SQL of all migrations, in order, without comments."""
    files = sorted((ROOT / "database" / "migrations").glob("*.sql"))
    return "\n".join(bare_sql(path) for path in files)


def tables() -> list[str]:
    """Every table that a migration creates."""
    return sorted(set(_TABLE.findall(migrations())))


def allowed_values() -> dict[str, set[str]]:
    """Constraint name to the words that it permits, for each ``CHECK (column IN (...))``."""
    return {
        name: set(re.findall(r"'([^']*)'", values))
        for name, values in _ALLOWED.findall(migrations())
    }


def _files(rooms: tuple[str, ...]) -> Iterator[Path]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and not VENDORED.intersection(path.parts):
                yield path


def _is_private(path: Path) -> bool:
    """Whether git ignores it: the operator's own settings, a benchmark's result."""
    return path.name == ".env" or path.match("bench*.json")


def _is_model(path: Path) -> bool:
    """Whether it is an uploaded artifact, which git ignores: models/<name>/<version>/..."""
    below = path.relative_to(ROOT).parts
    return below[0] == "models" and len(below) > 3
