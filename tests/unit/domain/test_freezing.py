"""The strictest of several freeze levels applies."""

import pytest

from backend.domain.freezing import FreezeLevel, kept, strictest


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((), FreezeLevel.NONE),
        ((None, None, "voluntary"), FreezeLevel.VOLUNTARY),
        (("none", "all", "voluntary"), FreezeLevel.ALL),
        (("voluntary", None, "none"), FreezeLevel.VOLUNTARY),
    ],
)
def test_strictest_level_applies(levels, expected):
    assert strictest(*levels) is expected


def test_unknown_level_is_refused():
    with pytest.raises(ValueError, match="sleepy"):
        strictest("sleepy")


def test_a_row_keeps_nothing_of_no_freeze():
    assert [kept(level) for level in FreezeLevel] == [None, "voluntary", "all"]
