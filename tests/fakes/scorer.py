"""A scorer for tests: the production broker, in a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.clock import SystemClock
from backend.engines.breaker import Breaker
from backend.engines.sandbox.broker import Broker, listening_socket, serve
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.stopping import StopRequest


@contextmanager
def running_scorer(path: Path) -> Iterator[Broker]:
    """A broker that listens on ``path`` with a real confined worker."""
    stop, broker = StopRequest(), Broker()
    listener = listening_socket(path)
    thread = threading.Thread(target=serve, args=(listener, stop, broker), name="test-scorer")
    broker.start()
    thread.start()
    try:
        yield broker
    finally:
        stop.make()
        thread.join()
        listener.close()


def client_of(path: Path) -> ScorerClient:
    """A client with a breaker of its own."""
    return ScorerClient(path, Breaker(SystemClock()))
