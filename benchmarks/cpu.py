"""Processor time of processes, from ``/proc``: it hardly depends on what else the machine does."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat that follow the name in brackets.
_GROUP, _USER, _SYSTEM = 2, 11, 12


def of_group(group: int) -> float:
    """Return the seconds that the living processes of a process group have used."""
    stats = (_stat(path) for path in Path("/proc").glob("[0-9]*/stat"))
    return sum(_seconds(fields) for fields in stats if fields and int(fields[_GROUP]) == group)


def of_process(pid: int) -> float:
    """Return the seconds that one process has used; 0 when it is gone."""
    fields = _stat(Path(f"/proc/{pid}/stat"))
    return _seconds(fields) if fields else 0.0


def _stat(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended while we looked


def _seconds(fields: list[str]) -> float:
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
