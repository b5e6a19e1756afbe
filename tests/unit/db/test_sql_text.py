import pytest

from backend.db.sql_text import single_statement, split_statements
from backend.errors import ConfigError


def test_split_ends_statements_at_semicolons():
    assert split_statements("SELECT 1;\nSELECT 2\n;\n;") == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize(
    "quoted",
    [
        "'a;b'",
        '"a;b"',
        "`a;b`",
        "'it''s; fine'",
        r"'it\'s; fine'",
        "'-- no comment; here'",
        "'/* nor; here */'",
        "'# nor; here'",
        "'two\n\n  lines; here'",
    ],
)
def test_split_leaves_quoted_text_alone_when_it_looks_like_syntax(quoted):
    assert split_statements(f"SELECT {quoted}; SELECT 2") == [f"SELECT {quoted}", "SELECT 2"]


@pytest.mark.parametrize(
    "comment", ["-- one; two\n", "# one; two\n", "/* one;\n two */", "--\n", "-- it's\n"]
)
def test_split_drops_comments_when_they_hold_semicolons_or_quotes(comment):
    (statement,) = split_statements(f"SELECT 1 {comment}+ 2;")

    assert statement.split() == ["SELECT", "1", "+", "2"]


def test_split_keeps_two_dashes_when_no_blank_follows():
    assert split_statements("SELECT 5--3") == ["SELECT 5--3"]


def test_split_keeps_division_when_a_slash_stands_alone():
    assert split_statements("SELECT 6/3 - 1") == ["SELECT 6/3 - 1"]


def test_split_returns_nothing_when_there_are_only_comments():
    assert split_statements("-- nothing\n/* at all */ ;") == []


@pytest.mark.parametrize(
    ("text", "line"), [("SELECT 1;\nSELECT 'a", 2), ("SELECT `a", 1), ("SELECT 1;\n\n/* a", 3)]
)
def test_split_refuses_text_when_something_is_not_closed(text, line):
    with pytest.raises(ConfigError, match=f"line {line}: something unclosed"):
        split_statements(text)


@pytest.mark.parametrize("text", ["/*!50001 SELECT 1 */", "/*M! SELECT 1 */"])
def test_split_refuses_comments_when_a_server_would_run_them(text):
    with pytest.raises(ConfigError, match="conditional comment"):
        split_statements(text)


def test_single_statement_keeps_inner_semicolons_when_it_is_a_routine():
    text = "-- purpose\n\nCREATE PROCEDURE p()\nBEGIN\n    -- why\n\n    SELECT 1;\nEND;\n"

    assert single_statement(text) == "CREATE PROCEDURE p()\nBEGIN\n    SELECT 1;\nEND"
