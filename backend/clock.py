"""The only caller of "now": everything else is handed a clock or an instant."""

import time
from datetime import UTC, datetime
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
    """The machine's clock, cut to milliseconds because the database keeps DATETIME(3)."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC, in whole milliseconds."""
        instant = datetime.now(UTC)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()
