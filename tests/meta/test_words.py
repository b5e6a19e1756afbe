"""Words that do not belong in the tree: promises, private paths, clocks and shortcuts of tests."""

import ast
import re
from pathlib import Path

from tests.meta import house

PROMISES = re.compile(r"\b(TODO|FIXME|XXX)\b")
PRIVATE_PATHS = re.compile(r"(?<![\w.])/(work|root|home)/\w")
SHORTCUTS = re.compile(r"\btime\.sleep\(|\bpytest\.(mark\.)?(skip|xfail)|\bimportorskip\(")
CLOCK = "backend/clock.py"
READS_THE_TIME = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.monotonic",
}


def test_nothing_is_promised_in_the_tree():
    assert _lines_with(PROMISES, house.text_files()) == []


def test_no_private_path_is_in_the_tree():
    assert _lines_with(PRIVATE_PATHS, house.text_files()) == []


def test_tests_neither_sleep_nor_skip():
    assert _lines_with(SHORTCUTS, house.python_files("tests")) == []


def test_only_the_clock_reads_the_time():
    readers = [
        f"{house.relative(path)}:{node.lineno}"
        for path in house.python_files("backend", "decision_engines")
        for node in ast.walk(house.parsed(path))
        if house.relative(path) != CLOCK and _reads_the_time(node)
    ]

    assert readers == []


def _reads_the_time(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in READS_THE_TIME
    )


def _lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{house.relative(path)}:{number} {line.strip()}"
        for path in paths
        if path != Path(__file__)  # which has to name the words
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
