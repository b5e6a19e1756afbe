"""The user's program that brings the primary's data to a replica, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.programs import Program

_WORD = re.compile(r"\b(progress|latency_ms)=(\d+(?:\.\d+)?)")
_MOST_LATENCY_MS = 86_400_000


@dataclass(frozen=True)
class Progress:
    """How far it says it is: percent, and milliseconds behind; None while it has not said."""

    percent: float | None = None
    latency_ms: int | None = None


class SyncProgram:
    """One run of REPLICA_SYNC_COMMAND."""

    def __init__(self, command: str, facts: Mapping[str, str]) -> None:
        self.progress = Progress()
        self._program = Program(command, facts, reads_output=True)

    def look(self) -> int | None:
        """Read what it wrote, and return its exit status; None while it runs."""
        code = self._program.code()
        self.progress = read_progress(self._program.lines(), self.progress)
        return code

    def stop(self) -> None:
        """End it. Repeatable."""
        self._program.stop()


def read_progress(lines: Iterable[str], before: Progress) -> Progress:
    """Return what the last lines like ``progress=42 latency_ms=15`` say; others are passed over."""
    percent, latency = before.percent, before.latency_ms
    for line in lines:
        words = dict(_WORD.findall(line))
        if "progress" in words:
            percent = min(100.0, float(words["progress"]))
        if "latency_ms" in words:
            latency = min(_MOST_LATENCY_MS, int(float(words["latency_ms"])))
    return Progress(percent, latency)
