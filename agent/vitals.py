"""How the host is doing, in percent; read from /proc, None where that does not tell."""

from __future__ import annotations

import shutil
from pathlib import Path


class Vitals:
    """Reads processor, memory and disk use. The processor's is that since the last reading."""

    def __init__(self, proc: Path = Path("/proc"), disk: Path = Path("/")) -> None:
        self._proc = proc
        self._disk = disk
        self._busy, self._total = self._ticks()

    def read(self) -> dict[str, float | None]:
        """Return the three values under their names on the wire."""
        usage = shutil.disk_usage(self._disk)
        return {
            "cpu_percent": self._processor(),
            "memory_percent": self._memory(),
            "disk_percent": _percent(usage.used, usage.total),
        }

    def _processor(self) -> float | None:
        busy, total = self._ticks()
        result = _percent(busy - self._busy, total - self._total)
        self._busy, self._total = busy, total
        return result

    def _ticks(self) -> tuple[int, int]:
        try:
            first = (self._proc / "stat").read_text(encoding="ascii").splitlines()[0]
            ticks = [int(word) for word in first.split()[1:9]]
        except (OSError, ValueError, IndexError):
            return 0, 0
        idle = sum(ticks[3:5])  # idle, and waiting for the disk
        return sum(ticks) - idle, sum(ticks)

    def _memory(self) -> float | None:
        try:
            lines = (self._proc / "meminfo").read_text(encoding="ascii").splitlines()
            kibibytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
            total, free = kibibytes["MemTotal"], kibibytes["MemAvailable"]
        except (OSError, ValueError, IndexError, KeyError):
            return None
        return _percent(total - free, total)


def _percent(part: int, whole: int) -> float | None:
    return round(min(100.0, max(0.0, 100.0 * part / whole)), 2) if whole > 0 else None
