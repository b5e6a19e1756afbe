"""Wait for what real processes do, without sleeping blindly."""

import threading
import time
from collections.abc import Callable

_NEVER = threading.Event()


def wait_for(condition: Callable[[], object], seconds: float = 8.0):
    """Return the first true value of ``condition``; fail when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        _NEVER.wait(0.02)
    msg = f"nothing came of it within {seconds} s"
    raise AssertionError(msg)
