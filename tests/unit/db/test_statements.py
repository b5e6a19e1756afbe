import pytest

from backend.db.statements import Statement, parse


def test_parse_names_statements_and_drops_comments():
    (one, two) = parse("-- one --\n-- Why.\nSELECT 1;\n\n-- two --\n-- Why.\nSELECT\n    2\n")

    assert (one.name, one.text) == ("one", "SELECT 1")
    assert (two.name, two.text) == ("two", "SELECT\n    2")


@pytest.mark.parametrize("text", ["SELECT 0;\n-- one --\nSELECT 1", "SELECT 0"])
def test_parse_refuses_sql_without_a_name(text):
    with pytest.raises(ValueError, match="before the first"):
        parse(text)


def test_parse_refuses_a_name_that_occurs_twice():
    with pytest.raises(ValueError, match="duplicate"):
        parse("-- one --\nSELECT 1\n-- one --\nSELECT 2")


def test_render_replaces_parameters_and_keeps_percent_signs():
    statement = Statement.compile("s", "SELECT %(a)s LIKE '5%', %(b)s, %(a)s")

    assert statement.parameters == {"a", "b"}
    assert statement.render({b"a": b"'x'", b"b": b"2"}) == b"SELECT 'x' LIKE '5%', 2, 'x'"


def test_render_does_not_look_into_values_when_they_look_like_parameters():
    statement = Statement.compile("s", "SELECT %(a)s, %(b)s")

    assert statement.render({b"a": b"'%(b)s %%'", b"b": b"2"}) == b"SELECT '%(b)s %%', 2"
