"""Put on every layer, in order, around the libraries that have to be loaded before."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend.engines.sandbox import kernel, layers
from backend.engines.sandbox.layers import MEGABYTE, Layer, Layers

# Without these two a reader that builds objects from a file is not let near one.
NEEDED_FOR_OBJECTS: Final = ("seccomp", "namespaces")
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker may use. ``cpu_seconds`` None: it lives on, calls are timed outside."""

    memory_bytes: int = 768 * MEGABYTE
    cpu_seconds: int | None = None


def confine(folder: Path, limits: Limits, load_libraries: Callable[[], None]) -> Layers:
    """Confine this process for ever and say what holds.

    Args:
        folder: An empty folder: the process's only one from now on.
        limits: Of memory and CPU time.
        load_libraries: Loads what will be needed, while files can still be read.
    """
    # Threads cannot be started later, and one started now would prevent the namespaces.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    found = {"namespaces": layers.leave_namespaces()}
    load_libraries()
    os.environ.clear()
    mapped = layers.mapped_bytes()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)  # what Landlock and seccomp ask for
    found["root"] = (
        layers.enter_empty_folder(folder)
        if found["namespaces"].is_on
        else Layer(is_on=False, state="needs namespaces")
    )
    found["landlock"] = layers.forbid_files()
    found["user"] = layers.become_nobody()
    found["limits"] = layers.limit_resources(mapped, limits.memory_bytes, limits.cpu_seconds)
    found["seccomp"] = layers.filter_system_calls()
    return found


def admits_objects(found: Layers) -> bool:
    """Whether files that describe objects (pickles, HDF5, zips) may be read in here."""
    return all(found[name].is_on for name in NEEDED_FOR_OBJECTS)


def as_facts(found: Layers) -> dict[str, dict[str, Any]]:
    """Return the layers as they travel."""
    return {name: {"ok": layer.is_on, "state": layer.state} for name, layer in found.items()}
