"""Who may import whom: the contracts stand in pyproject.toml."""

import subprocess
import sys

from tests.meta import house

_LINT = (
    "import sys; from importlinter.cli import lint_imports; "
    "sys.exit(lint_imports(no_cache=True, no_logo=True))"
)


def test_imports_point_one_way():
    """In a process of its own: the linter reconfigures logging, and silences other tests' logs."""
    done = subprocess.run(
        [sys.executable, "-c", _LINT], cwd=house.ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
