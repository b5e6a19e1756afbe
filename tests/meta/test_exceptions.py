"""``except Exception`` stands only at the boundaries that must not fall."""

import ast
from pathlib import Path

from tests.meta import house

# Each boundary, and what would break without it.
BOUNDARIES = {
    "agent/actions/saga.py": "a step that breaks is undone, and so are the others",
    "agent/workers/base.py": "one broken tick must not end a worker",
    "backend/db/pool.py": "a link that fails in any way is closed, never lent again",
    "backend/engines/host.py": "whatever an engine raises, the rules answer",
    "backend/engines/sandbox/worker.py": "whatever a foreign model causes is an answer",
    "backend/jobs/runner.py": "one bad job must not stop the others",
    "backend/services/coordinator.py": "one poisoned agent must not stop the pass over the fleet",
}


def test_broad_excepts_stand_only_at_named_boundaries():
    found = {
        house.relative(path)
        for path in house.python_files(*house.PRODUCT)
        if any(not _reraises(handler) for handler in _broad_handlers(path))
    }

    assert found == set(BOUNDARIES)


def test_broad_excepts_say_why_they_swallow():
    silent = [
        f"{house.relative(path)}:{handler.lineno}"
        for path in house.python_files(*house.PRODUCT)
        for handler in _broad_handlers(path)
        if not _reraises(handler) and not _has_reason(path, handler)
    ]

    assert silent == []


def _broad_handlers(path: Path) -> list[ast.ExceptHandler]:
    return [
        node
        for node in ast.walk(house.parsed(path))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    ]


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"})
        for name in names
    )


def _reraises(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def _has_reason(path: Path, handler: ast.ExceptHandler) -> bool:
    line = path.read_text(encoding="utf-8").splitlines()[handler.lineno - 1]
    _, mark, reason = line.partition("# noqa: BLE001 - ")
    return bool(mark) and len(reason.split()) > 2
