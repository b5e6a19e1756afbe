"""The environment in which our own programs are started."""

import os
from collections.abc import Mapping
from pathlib import Path


def python_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return ``base`` with this project importable, from whatever folder we were started."""
    root = str(Path(__file__).resolve().parents[2])
    known = [part for part in base.get("PYTHONPATH", "").split(os.pathsep) if part]
    return {**base, "PYTHONPATH": os.pathsep.join(dict.fromkeys([root, *known]))}
