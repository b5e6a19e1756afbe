"""Sentences about what a model allows."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from backend.api.ranges import allowed_text


class Inner(BaseModel):
    price: Annotated[float, Field(gt=0, le=100)]


class Outer(BaseModel):
    cpu: float | None = Field(None, ge=0, le=100)
    name: str = Field(min_length=1, max_length=5)
    inner: Inner
    pools: list[Inner] = Field(max_length=3)
    free: str = ""


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (("cpu",), " (allowed: at least 0, at most 100)"),
        (("name",), " (allowed: 1 or more characters, 5 or fewer characters)"),
        (("inner", "price"), " (allowed: more than 0, at most 100)"),
        (("pools", 2, "price"), " (allowed: more than 0, at most 100)"),
        (("pools",), " (allowed: 3 or fewer entries)"),
        (("free",), ""),
        (("unknown",), ""),
        (("cpu", "float", "deeper"), ""),
        ((), ""),
    ],
)
def test_place_is_told_with_its_bounds(place, text):
    assert allowed_text(Outer, place) == text
