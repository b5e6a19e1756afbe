"""Sealed procedures leave nothing behind when they fail; open ones leave the end to their caller."""

import re
from contextlib import suppress

import pytest

from backend.db.objects import verbatim
from backend.db.sources import DATABASE_FOLDER
from backend.errors import DatabaseError, UniqueViolation
from tests.database import open_database
from tests.integration.db.asking import ask, ask_at

pytestmark = pytest.mark.db

TABLE = "CREATE TABLE a (id INT PRIMARY KEY)"
SEALED = """
CREATE PROCEDURE sealed() SQL SECURITY INVOKER
BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
    START TRANSACTION;
    INSERT INTO a (id) VALUES (1);
    INSERT INTO a (id) VALUES (99);
    COMMIT;
END
"""
OPEN = """
CREATE PROCEDURE open_one() SQL SECURITY INVOKER
BEGIN
    INSERT INTO a (id) VALUES (1);
    INSERT INTO a (id) VALUES (99);
END
"""
CALL_SEALED = verbatim("sealed", "CALL sealed()")
CALL_OPEN = verbatim("open_one", "CALL open_one()")

KINDS = {
    path.stem: re.search(r"^-- kind: (\w+)", path.read_text(), re.MULTILINE)[1]
    for path in sorted((DATABASE_FOLDER / "procedures").glob("*.sql"))
}


@pytest.fixture
def small(scratch):
    """A database of one table and both kinds of procedures."""
    for text in (TABLE, SEALED, OPEN):
        ask_at(scratch, text)
    database = open_database(scratch, size=1)
    yield database
    database.close()


def ids(database):
    return [row["id"] for row in database.run("ids", lambda s: ask(s, "SELECT id FROM a"))]


def test_sealed_procedure_commits_by_itself(small):
    small.run("sealed", lambda session: session.call(CALL_SEALED))

    assert ids(small) == [1, 99]


def test_sealed_procedure_leaves_nothing_when_it_fails(small):
    small.run("fill", lambda session: ask(session, "INSERT INTO a (id) VALUES (99)"))

    with pytest.raises(UniqueViolation):
        small.run("sealed", lambda session: session.call(CALL_SEALED))

    # The pool's only connection: what stayed open would show up, or end up, here.
    assert small.run("state", lambda s: ask(s, "SELECT @@in_transaction AS t")) == [{"t": 0}]
    assert ids(small) == [99]


def test_open_procedure_is_undone_with_its_caller(small):
    def work(transaction):
        transaction.call(CALL_OPEN)

    small.transact("open", work)

    assert ids(small) == []


def test_open_procedure_is_kept_when_its_caller_commits(small):
    def work(transaction):
        transaction.call(CALL_OPEN)
        transaction.commit()

    small.transact("open", work)

    assert ids(small) == [1, 99]


def test_open_procedure_keeps_nothing_of_its_caller_when_it_fails(small):
    small.run("fill", lambda session: ask(session, "INSERT INTO a (id) VALUES (99)"))

    def work(transaction):
        ask(transaction, "INSERT INTO a (id) VALUES (5)")
        transaction.call(CALL_OPEN)
        transaction.commit()

    with pytest.raises(UniqueViolation):
        small.transact("open", work)

    assert ids(small) == [99]


@pytest.mark.parametrize("name", KINDS)
def test_real_procedure_ends_only_its_own_transaction_when_it_gets_nonsense(database, name):
    is_open = KINDS[name] == "open"
    with database.session() as session:
        call = call_with_nulls(session, name)
        if is_open:
            ask(session, "START TRANSACTION")
        with suppress(DatabaseError):  # to be refused is as good as to do nothing
            session.call(call)

        assert ask(session, "SELECT @@in_transaction AS t") == [{"t": int(is_open)}]
        ask(session, "ROLLBACK")


def call_with_nulls(session, name):
    directions = ask(
        session,
        "SELECT PARAMETER_MODE AS mode FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA ="
        f" DATABASE() AND SPECIFIC_NAME = '{name}' ORDER BY ORDINAL_POSITION",
    )
    assert directions
    values = ["NULL" if row["mode"] == "IN" else "@probe" for row in directions]
    return verbatim("probe", f"CALL {name}({', '.join(values)})")
