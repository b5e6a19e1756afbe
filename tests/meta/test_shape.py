"""Sizes and names: nothing grows until nobody reads it."""

import ast
import re
from pathlib import Path

from tests.meta import house

LONGEST_FUNCTION = 50  # code lines: no docstring, comment or blank line counts
LONGEST_MODULE = 400  # lines, everything counts
BANNED = re.compile(
    r"^(utils?|helpers?|common|misc|managers?|handler2|stuff)$|_(utils?|helpers?|enhanced|final|v\d+)$"
)


def test_functions_fit_on_a_page():
    too_long = [
        f"{house.relative(path)}:{node.lineno} {node.name} has {size} lines"
        for path in house.python_files(*house.PRODUCT)
        for node, size in _functions(path)
        if size > LONGEST_FUNCTION
    ]

    assert too_long == []


def test_modules_fit_in_a_head():
    too_long = [
        f"{house.relative(path)} has {count} lines"
        for path in house.python_files(*house.PRODUCT)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    ]

    assert too_long == []


def test_names_of_modules_say_what_is_inside():
    vague = [
        house.relative(path)
        for path in house.python_files(*house.PRODUCT, "tests")
        if any(BANNED.search(part) for part in (path.stem, *path.relative_to(house.ROOT).parts))
    ]

    assert vague == []


def _functions(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(house.parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, _code_lines(node, lines)


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    span = range(node.lineno, node.end_lineno + 1)
    silent = _docstring_lines(node)
    return sum(
        1
        for number in span
        if number not in silent
        and lines[number - 1].strip()
        and not lines[number - 1].lstrip().startswith("#")
    )


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> range:
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return range(0)
    return range(first.lineno, first.end_lineno + 1)
