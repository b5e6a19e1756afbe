"""JSON on the way out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from pydantic import BaseModel

from backend.api.encoding import dump


class Colour(StrEnum):
    RED = "red"


class Point(BaseModel):
    x: Decimal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), '"2026-03-02T12:00:00Z"'),
        (datetime(2026, 3, 2, 12, 0, 0, 5000, UTC), '"2026-03-02T12:00:00.005000Z"'),
        (Decimal("0.034500"), "0.0345"),
        (Colour.RED, '"red"'),
        (float("nan"), "null"),
        ({1: "a"}, '{"1":"a"}'),
        ({"b", "a"}, '["a","b"]'),
        (Point(x=Decimal("1.5")), '{"x":1.5}'),
    ],
)
def test_value_has_its_json_form(value, text):
    assert dump(value).decode() == text


def test_instant_with_an_offset_keeps_its_meaning():
    zone = timezone(timedelta(hours=2))

    assert dump(datetime(2026, 3, 2, 12, tzinfo=zone)) == b'"2026-03-02T12:00:00+02:00"'


def test_value_without_json_form_is_an_error():
    with pytest.raises(TypeError):
        dump(object())
