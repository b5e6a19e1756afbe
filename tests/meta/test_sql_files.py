"""Every statement, routine, view, event and table is used; none only exists."""

import ast
import re
from pathlib import Path

import pytest

from backend.db.statements import parse
from tests.meta import house

# A statement may tell Python what the database's clock shows, but never reckon with it.
CLOCK = re.compile(
    r"\b(NOW|SYSDATE|CURDATE|UTC_TIMESTAMP|UTC_DATE|CURRENT_TIMESTAMP|UNIX_TIMESTAMP)\s*\("
    r"(?!3\) AS now\b)"
)
OWNS_A_TRANSACTION = {"START TRANSACTION", "COMMIT", "ROLLBACK", "RESIGNAL"}
CREATED = {"procedures": "PROCEDURE", "views": "VIEW", "events": "EVENT"}

# Tables that no statement of the program reads back, and why that is right.
NOT_READ = {
    "cleanup_logs": "what agents deleted: its unique key makes a repeated report one row",
}


@pytest.mark.parametrize("path", house.statement_files(), ids=house.relative)
def test_statements_and_their_module_agree(path: Path):
    module = path.with_suffix(".py")
    assert module.is_file(), "named SQL without a module that runs it"

    defined = {statement.name for statement in parse(path.read_text(encoding="utf-8"))}

    assert _used_names(module) == defined


@pytest.mark.parametrize("path", house.statement_files(), ids=house.relative)
def test_statements_are_explained(path: Path):
    entries = re.split(r"^-- \w+ --$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]

    unexplained = [entry.strip() for entry in entries if not entry.lstrip().startswith("-- ")]

    assert unexplained == []


@pytest.mark.parametrize("path", house.statement_files(), ids=house.relative)
def test_statements_name_their_columns_and_read_no_clock(path: Path):
    sql = house.bare_sql(path)

    assert re.search(r"SELECT\s+(\w+\.)?\*", sql) is None
    assert CLOCK.search(sql) is None


@pytest.mark.parametrize("kind", CREATED)
def test_files_hold_one_thing_of_their_own_name(kind: str):
    wrong = [
        house.relative(path)
        for path in house.routine_files(kind)
        if re.findall(rf"\bCREATE\b.*?\b{CREATED[kind]}\s+`?(\w+)", house.bare_sql(path), re.S)
        != [path.stem]
        or "DELIMITER" in house.bare_sql(path)
    ]

    assert wrong == []


@pytest.mark.parametrize("path", house.routine_files("procedures"), ids=lambda path: path.stem)
def test_procedure_handles_transactions_as_its_kind_promises(path: Path):
    kinds = re.findall(r"^-- kind: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    sql = house.bare_sql(path)
    words = {word for word in OWNS_A_TRANSACTION if word in sql}

    assert CLOCK.search(sql) is None
    if kinds == ["sealed"]:  # without a transaction every statement of it stands alone
        assert words in (OWNS_A_TRANSACTION, set())
    else:
        assert kinds == ["open"]
        assert words == set()


def test_procedures_are_called():
    callers = _sql_of(*house.statement_files(), *house.routine_files("events"))
    idle = [
        path.stem
        for path in house.routine_files("procedures")
        if not re.search(rf"\bCALL {path.stem}\b", callers)
    ]

    assert idle == []


def test_views_are_read():
    readers = _sql_of(*house.statement_files())
    idle = [
        path.stem
        for path in house.routine_files("views")
        if not re.search(rf"\b(FROM|JOIN)\s+{path.stem}\b", readers)
    ]

    assert idle == []


def test_tables_are_written():
    sql = _sql_of_the_program()
    unwritten = {
        table
        for table in house.tables()
        if not re.search(rf"\b(INSERT (IGNORE )?INTO|UPDATE)\s+{table}\b", sql)
    }

    assert unwritten == set()


def test_tables_are_read():
    sql = re.sub(r"\bDELETE\s+FROM\s+\w+", "", _sql_of_the_program())
    unread = {
        table for table in house.tables() if not re.search(rf"\b(FROM|JOIN)\s+{table}\b", sql)
    }

    assert unread == set(NOT_READ)


def _used_names(module: Path) -> set[str]:
    """The names in ``_SQL["name"]``, whatever the constant is called."""
    return {
        node.slice.value
        for node in ast.walk(house.parsed(module))
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id.endswith("SQL")
        and isinstance(node.slice, ast.Constant)
    }


def _sql_of(*paths: Path) -> str:
    return "\n".join(house.bare_sql(path) for path in paths)


def _sql_of_the_program() -> str:
    routines = [path for kind in CREATED for path in house.routine_files(kind)]
    return _sql_of(*house.statement_files(), *routines)
