"""The only caller of "now": everything else is handed a clock or an instant."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Implementations are thread-safe."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; ``Z`` and a missing zone both mean UTC.

    Raises:
        ValueError: it is no instant.
    """
    instant = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)
