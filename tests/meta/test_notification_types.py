"""docs/notifications.md names every kind of notification that the code writes, and no other."""

import ast
import re
from collections.abc import Iterator

from tests.meta import house

# Written to the log of events only: nobody is told.
EVENTS_ONLY = {
    "cleanup_completed",
    "client_deleted",
    "engine_chosen",
    "engine_refused",
    "instance_terminated",
    "limits_changed",
    "replica_requested",
    "replica_retired",
    "retirement_refused",
}
WORD = re.compile(r"[a-z]+(_[a-z]+)+")
ROW = re.compile(r"^\| `([a-z_]+)` \| ([a-z, ]+) \| (.+) \|$", re.MULTILINE)
TELLERS = {"_tell", "_event", "_set_status"}  # functions that are handed the kind
NAMES = {"event_type", "notification_type"}


def test_page_names_every_kind_of_notification():
    documented = {kind for kind, _, _ in _rows()}

    assert documented == (_kinds_in_python() | _kinds_in_procedures()) - EVENTS_ONLY


def test_page_says_how_grave_each_is_and_why():
    for kind, severities, why in _rows():
        assert set(severities.split(", ")) <= {"info", "warning", "error"}, kind
        assert len(why) > 20, kind


def _rows() -> list[tuple[str, str, str]]:
    return ROW.findall((house.ROOT / "docs/notifications.md").read_text(encoding="utf-8"))


def _kinds_in_python() -> set[str]:
    found = set()
    for path in house.python_files("backend/services"):
        text = path.read_text(encoding="utf-8")
        if "notify(" in text or '"event_type"' in text or "_event(" in text:
            for node in ast.walk(house.parsed(path)):
                found.update(word for place in _places(node) for word in _words(place))
    return found


def _places(node: ast.AST) -> Iterator[ast.AST]:
    """Where the kind of an event or notification is said."""
    match node:
        case ast.keyword(arg="event_type" | "notification_type"):
            yield node.value
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            yield from (v for k, v in pairs if isinstance(k, ast.Constant) and k.value in NAMES)
        case ast.Call() if getattr(node.func, "id", getattr(node.func, "attr", "")) in TELLERS:
            yield from node.args
        case ast.Assign() if _assigned(node) & {"kind", "UNDELIVERED"}:
            yield node.value
        case ast.FunctionDef(name="_event_of"):
            yield from (part.value for part in ast.walk(node) if isinstance(part, ast.Return))


def _assigned(node: ast.Assign) -> set[str]:
    return {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def _words(place: ast.AST) -> Iterator[str]:
    if isinstance(place, ast.Constant):
        if isinstance(place.value, str) and WORD.fullmatch(place.value):
            yield place.value
    elif isinstance(place, ast.IfExp):
        yield from (*_words(place.body), *_words(place.orelse))
    elif isinstance(place, ast.Tuple):
        yield from _words(place.elts[0])
    elif isinstance(place, ast.Call) and getattr(place.func, "attr", "") == "Change":
        yield from _words(place.args[0])


def _kinds_in_procedures() -> set[str]:
    """The words that stand in statements which write notifications."""
    return {
        word
        for path in house.routine_files("procedures")
        for insert in re.findall(r"INSERT INTO notifications .*?;", house.bare_sql(path), re.S)
        for word in re.findall(r"'([a-z]+(?:_[a-z]+)+)'", insert)
    }
