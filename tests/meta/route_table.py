"""Writes docs/routes.md from the app's own map: ``python -m tests.meta.route_table``."""

import re
from functools import cache
from pathlib import Path

from flask import Flask

from backend.app import guards_of
from tests.meta import house
from tests.meta.recorded_routes import ASKED_IN_VAIN, RECORDED
from tests.meta.test_routes import bare_app

PAGE = house.ROOT / "docs" / "routes.md"
# Where a route's own test is looked for, the most telling place first.
_TESTS = ("tests/contract", "tests/api", "tests/fakes", "tests/browser", "tests/e2e")
_FOR_ALL = ("test_tenants.py", "test_bad_input.py", "test_secrets_stay_inside.py")
_VARIABLE = re.compile(r"[<{](?:[^:<>{}]+:)?([^<>{}]+)[>}]")
_INTRODUCTION = """\
# Every route of the API

Written by `python -m tests.meta.route_table` from the map of the app; a test holds it to that map. *Served by* is the function, in
`backend/api`; *for* is its guard; *tested by* is a test, or a part of a test, that calls it. Every route is called with arbitrary values too
(`tests/openapi`), every answer of the contract tests is held to the description (`tests/conformity.py`), and every route below an agent, an
instance or a client is tried with a foreign token (`tests/contract/test_tenants.py`).
"""


def page(app: Flask) -> str:
    """Return the whole page."""
    served = _served(app)
    recorded = [line.split(" ") for line in RECORDED.split("\n") if line]
    asked = [line.split(" ") for line in ASKED_IN_VAIN.split("\n") if line]
    parts = [_INTRODUCTION, "## Recorded\n", _head("| # ")]
    for number, method, path in recorded:
        parts.append(f"| {number} {_row(method, path, served)}")
    parts += ["\n## Asked for by installed clients, and never served before\n", _head("")]
    parts += [_row(method, path, served) for method, path in asked]
    known = {(row[-2], _bare(row[-1])) for row in (*recorded, *asked)}
    parts += ["\n## Ours\n", _head("")]
    for (method, bare), (_, _, path) in sorted(served.items(), key=lambda item: item[0][::-1]):
        if (method, bare) not in known:
            parts.append(_row(method, path, served))
    return "\n".join(parts) + "\n"


def missing(app: Flask) -> set[str]:
    """Return what installed clients call and the app does not serve."""
    served = _served(app)
    lines = [line.split(" ") for line in (RECORDED + ASKED_IN_VAIN).split("\n") if line]
    return {f"{row[-2]} {row[-1]}" for row in lines if (row[-2], _bare(row[-1])) not in served}


def _served(app: Flask) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return method and bare path to endpoint, guard and path of everything but pages."""
    guards = guards_of(app)
    return {
        (method, _bare(rule.rule)): (
            rule.endpoint,
            guards[rule.endpoint].name,
            _VARIABLE.sub(r"{\1}", rule.rule),
        )
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/health", "/metrics"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def _head(first: str) -> str:
    columns = "method | path | served by | for | tested by |"
    rule = "|---" * (columns.count("|") + bool(first)) + "|"
    return f"{first}| {columns}\n{rule}"


def _row(method: str, path: str, served: dict[tuple[str, str], tuple[str, str, str]]) -> str:
    found = served.get((method, _bare(path)))
    if found is None:
        return f"| {method} | `{path}` | not yet | | |"
    endpoint, guard, _ = found
    return f"| {method} | `{path}` | `{endpoint}` | {guard} | {_tested_by(path)} |"


def _bare(path: str) -> str:
    return _VARIABLE.sub("{}", path)


def _tested_by(path: str) -> str:
    pattern = _call_of(path)
    names = [file for file, text in _texts() if pattern.search(text)]
    telling = [name for name in names if not name.endswith(_FOR_ALL)]
    return f"`{(telling or names or ['tests/openapi/test_schemathesis.py'])[0]}`"


def _call_of(path: str) -> re.Pattern[str]:
    """Return what a call of a path looks like in a test: the prefix may be put before it there."""
    segments = path.removeprefix("/api/").lstrip("/").split("/")
    text = "/".join(
        r"[^/\"'\s]+" if _VARIABLE.fullmatch(part) else re.escape(part) for part in segments
    )
    return re.compile(rf"[/\"' ]{text}[\"'?]")


@cache
def _texts() -> list[tuple[str, str]]:
    files = [file for room in _TESTS for file in sorted((house.ROOT / room).glob("**/*.py"))]
    return [(house.relative(file), Path(file).read_text(encoding="utf-8")) for file in files]


if __name__ == "__main__":
    PAGE.write_text(page(bare_app()), encoding="utf-8")
