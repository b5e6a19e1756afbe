"""How a long-running process is asked to stop."""

import queue
import signal
from types import FrameType


class StopRequest:
    """A wish to stop that a signal handler may make at any moment.

    ``threading.Event`` cannot be set in a handler: the handler runs in the thread that may just
    hold the event's lock. ``SimpleQueue.put`` is made for that. One thread may wait.
    """

    def __init__(self) -> None:
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_made = False

    def make(self) -> None:
        """Ask to stop. Idempotent, safe in a signal handler."""
        self.is_made = True
        self._wake.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait for the request, at most so long; return whether it was made."""
        if not self.is_made:
            try:
                self._wake.get(timeout=seconds)
            except queue.Empty:
                return self.is_made
        return self.is_made

    def listen(self) -> None:
        """Make the request on SIGTERM and SIGINT. Main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.make()
