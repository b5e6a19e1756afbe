"""Sessions and transactions on a real server: what is kept, what is retried, what is refused."""

import logging
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from backend.db.database import ATTEMPTS
from backend.db.statements import Statement
from backend.errors import CheckViolation, Deadlock, ForeignKeyViolation, UniqueViolation
from tests.integration.db.asking import ask

pytestmark = pytest.mark.db

NOON = datetime(2026, 3, 2, 12, 0, 0, 123000, tzinfo=UTC)
INSERT = Statement.compile("i", "INSERT INTO settings VALUES (%(name)s, %(value)s, %(now)s)")
READ = Statement.compile("r", "SELECT name, value, updated_at FROM settings ORDER BY name ASC")
BUMP = Statement.compile("b", "UPDATE settings SET value = value + 1 WHERE name = %(name)s")
TOUCH = Statement.compile("t", "UPDATE settings SET value = value WHERE name = %(name)s")


def insert(session, name, value="0", now=NOON):
    session.run(INSERT, {"name": name, "value": value, "now": now})


def values(database):
    return {row["name"]: row["value"] for row in database.run("r", lambda s: s.rows(READ))}


def test_transaction_is_undone_when_nobody_commits(database):
    database.transact("forget", lambda transaction: insert(transaction, "a"))

    assert values(database) == {}


def test_transaction_is_kept_when_it_commits(database):
    def work(transaction):
        insert(transaction, "a")
        transaction.commit()
        return "done"

    assert database.transact("keep", work) == "done"
    assert values(database) == {"a": "0"}


def test_work_after_the_commit_is_a_transaction_of_its_own(database):
    def work(transaction):
        insert(transaction, "a")
        transaction.commit()
        insert(transaction, "b")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transact("twice", work)

    assert "a" in values(database)


def test_both_transactions_succeed_when_they_deadlock(database, caplog):
    for name in ("a", "b"):
        database.run("i", lambda s, name=name: insert(s, name))
    meeting = threading.Barrier(2)
    attempts = []

    def cross(first, second):
        def work(transaction):
            attempts.append(first)
            transaction.run(BUMP, {"name": first})
            if len(attempts) <= 2:  # only the first time round both hold one row
                meeting.wait(10)
            transaction.run(BUMP, {"name": second})
            transaction.commit()

        database.transact("cross", work)

    caplog.set_level(logging.INFO)
    other = threading.Thread(target=cross, args=("b", "a"))
    other.start()
    cross("a", "b")
    other.join(30)

    assert values(database) == {"a": "2", "b": "2"}
    assert len(attempts) == 3
    retried = [r for r in caplog.records if getattr(r, "action", "") == "transaction_retried"]
    assert [record.errno for record in retried] == [1213]


def test_deadlock_is_reported_when_no_attempt_succeeds(database):
    attempts = []

    def work(session):
        attempts.append(1)
        ask(session, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'again'")

    with pytest.raises(Deadlock):
        database.run("always", work)

    assert len(attempts) == ATTEMPTS


def test_run_counts_matched_rows_when_nothing_changes(database):
    database.run("i", lambda s: insert(s, "a"))

    assert database.run("t", lambda s: s.run(TOUCH, {"name": "a"})) == 1
    assert database.run("t", lambda s: s.run(TOUCH, {"name": "nobody"})) == 0


def test_naive_instants_are_refused(database):
    with pytest.raises(ValueError, match="naive"):
        database.run("i", lambda s: insert(s, "a", now=NOON.replace(tzinfo=None)))


def test_instants_come_back_aware_in_utc_whatever_zone_they_had(database):
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    database.run("i", lambda s: insert(s, "a", now=there))

    instant = database.run("r", lambda s: s.rows(READ))[0]["updated_at"]

    assert instant == NOON
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["it's", 'a "quoted" one', "back\\slash", "100%", "%(name)s", "snow ☃ and 🎿", "a\nb\0c"],
)
def test_text_comes_back_as_it_was(database, text):
    database.run("i", lambda s: insert(s, "a", text))

    assert values(database) == {"a": text}


def test_values_keep_their_types(database):
    statement = Statement.compile(
        "v", "SELECT %(d)s + 0.0 AS d, %(i)s AS i, %(b)s AS b, %(n)s AS n"
    )
    params = {"d": Decimal("0.012345"), "i": 7, "b": True, "n": None}

    row = database.run("v", lambda s: s.row(statement, params))

    assert row == {"d": Decimal("0.012345"), "i": 7, "b": 1, "n": None}


def test_call_returns_every_result_set(database):
    text = "BEGIN NOT ATOMIC SELECT 1 AS a; SELECT 2 AS b; END"

    with database.session() as session:
        sets = session.call(Statement.compile("two", text))
        after = ask(session, "SELECT 3 AS c")

    assert [*sets, after] == [[{"a": 1}], [{"b": 2}], [{"c": 3}]]


@pytest.mark.parametrize(
    ("text", "kind", "constraint"),
    [
        ("INSERT INTO settings VALUES ('a', 'b', '2026-01-01')", UniqueViolation, "PRIMARY"),
        (
            "INSERT INTO clients VALUES ('c', 'n', NULL, 'odd', '2026-01-01', '2026-01-01', NULL)",
            CheckViolation,
            "clients_status_ck",
        ),
        (
            "INSERT INTO agent_configs (agent_id, updated_at) VALUES ('nobody', '2026-01-01')",
            ForeignKeyViolation,
            "agent_configs_agent_fk",
        ),
    ],
)
def test_violation_names_its_constraint(database, text, kind, constraint):
    database.run("i", lambda s: insert(s, "a"))

    with pytest.raises(kind) as violation:
        database.run("violate", lambda s: ask(s, text))

    assert violation.value.facts["constraint"] == constraint
