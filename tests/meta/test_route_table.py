"""The page of routes is as the app is, and nothing that installed clients call is missing."""

import re

from tests.meta import house
from tests.meta.route_table import PAGE, missing, page
from tests.meta.test_routes import bare_app

# Which of several tests is named may change with every new one.
_TESTED_BY = re.compile(r"\| `(tests/[^`]+)` \|$", re.MULTILINE)


def test_page_of_routes_is_as_the_app_is():
    written = PAGE.read_text(encoding="utf-8")

    assert _TESTED_BY.sub("", written) == _TESTED_BY.sub("", page(bare_app())), (
        "run: python -m tests.meta.route_table"
    )


def test_page_of_routes_names_tests_that_exist():
    names = set(_TESTED_BY.findall(PAGE.read_text(encoding="utf-8")))

    assert names
    assert [name for name in names if not (house.ROOT / name).is_file()] == []


def test_nothing_that_installed_clients_call_is_missing():
    assert missing(bare_app()) == set()
