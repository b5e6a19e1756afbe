"""Find, watch and end the processes of a test. They are known by their environment or command."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

_pause = threading.Event()  # never set


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition that other processes make true.

    Raises:
        AssertionError: it did not become true in time.
    """
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        _pause.wait(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def processes_of(mark: str) -> dict[int, str]:
    """Return process id and command line of every living process that carries ``mark``."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in command + environment and command:
            found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def parent_of(pid: int) -> int:
    """Return the parent's process id."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return int(stat.rpartition(")")[2].split()[1])


def kill_all(mark: str) -> None:
    """End what a failed test has left behind."""
    for pid in processes_of(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
