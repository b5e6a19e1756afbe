"""Ctrl-C and SIGTERM as a wish that can be waited for."""

import queue
import signal
from types import FrameType


class StopSignals:
    """One wish to stop. ``SimpleQueue`` may be used in a signal handler; events may not."""

    def __init__(self) -> None:
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_made = False

    def listen(self) -> None:
        """Note SIGTERM and SIGINT from now on. Main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the wish, at most so long; return whether it was made."""
        if not self.is_made:
            try:
                self._wishes.get(timeout=seconds)
            except queue.Empty:
                return self.is_made
        return self.is_made

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.is_made = True
        self._wishes.put(None)
