"""On what it was measured."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backend.db.server_binary import find_server_binary

_PACKAGES = ("flask", "werkzeug", "granian", "mysql-connector-python", "pydantic")


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, load and versions."""
    database = find_server_binary()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "database": f"{database.flavour} {database.version}",
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
