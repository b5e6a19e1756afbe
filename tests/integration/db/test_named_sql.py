"""Every named statement is understood by the server, against the schema as it is."""

import re
from pathlib import Path

import pytest

from backend.db.statements import NamedSql, Statement
from tests.integration.db.asking import ask

pytestmark = pytest.mark.db

BACKEND = Path(__file__).resolve().parents[3] / "backend"
STATEMENTS = {
    f"{path.stem}.{name}": statement
    for path in sorted(BACKEND.rglob("*.sql"))
    for name, statement in NamedSql(path).items()
}
CALLS = {name: s for name, s in STATEMENTS.items() if s.text.startswith("CALL ")}

_PARAMETER = re.compile(r"%\([a-z][a-z0-9_]*\)s")
_CALL = re.compile(r"CALL (\w+)\s*\((.*)\)\s*$", re.DOTALL)
_IN_BRACKETS = re.compile(r"\([^()]*\)")  # also of a parameter: what matters is the commas
_KEEP = Statement.compile("keep", "SET @statement = %(text)s")


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_is_understood(database, name):
    text = _PARAMETER.sub("?", STATEMENTS[name].text)

    with database.session() as session:
        session.run(_KEEP, {"text": text})
        ask(session, "PREPARE probe FROM @statement")
        ask(session, "DEALLOCATE PREPARE probe")


@pytest.mark.parametrize("name", CALLS)
def test_call_has_the_arguments_of_its_procedure(database, name):
    procedure, arguments = _CALL.match(CALLS[name].text).groups()

    with database.session() as session:
        declared = ask(
            session,
            "SELECT PARAMETER_NAME FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA ="
            f" DATABASE() AND SPECIFIC_NAME = '{procedure}' ORDER BY ORDINAL_POSITION",
        )

    given = _IN_BRACKETS.sub("", arguments).split(",")
    assert declared
    assert len(given) == len(declared)
