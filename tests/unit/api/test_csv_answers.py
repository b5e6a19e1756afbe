from datetime import UTC, datetime

import pytest

from backend.api.csv_answers import csv_answer


def _lines(*values):
    rows = [{"name": value} for value in values]
    return csv_answer("x.csv", ("name",), rows).get_data(as_text=True).splitlines()


def test_columns_come_first_and_the_answer_is_a_file():
    answer = csv_answer("clients.csv", ("a", "b"), [{"a": 1, "b": None, "c": "left out"}])

    assert answer.get_data(as_text=True) == "a,b\r\n1,\r\n"
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clients.csv"'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_formulas_are_defused(text):
    assert _lines(text)[1].startswith("'")


def test_numbers_and_instants_stay_readable():
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert _lines(-0.5, at, 'a "quoted", text')[1:] == [
        "-0.5",
        "2026-03-02T12:00:00Z",
        '"a ""quoted"", text"',
    ]
