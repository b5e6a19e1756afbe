"""The scorer of a node: owns the socket, hands requests to confined workers, times them.

It never looks inside a model. Live models share one worker that lives on; every verification gets
a worker of its own, so that a bad upload can end nothing but itself.
"""

import logging
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

from backend.engines.errors import ScorerUnavailable
from backend.engines.sandbox import frames
from backend.engines.sandbox.confinement import Limits
from backend.engines.sandbox.frames import Broken, Head
from backend.engines.sandbox.layers import MEGABYTE
from backend.engines.sandbox.streams import SocketStream
from backend.engines.sandbox.worker_link import WorkerGone, WorkerLink
from backend.errors import LimitReached, SpotOptimizerError
from backend.stopping import StopRequest

logger = logging.getLogger(__name__)

VERIFY_SECONDS: Final = 20.0
LOAD_SECONDS: Final = 20.0
SCORE_SECONDS: Final = 2.0
MOST_VERIFICATIONS: Final = 2  # at a time: each may take a core and its memory
_VERIFY_LIMITS = Limits(memory_bytes=1024 * MEGABYTE, cpu_seconds=30)
_LIVE_LIMITS = Limits(memory_bytes=1024 * MEGABYTE)
_TICK_SECONDS = 0.5


class Broker:
    """Serves the requests of this node's processes. Thread-safe."""

    def __init__(self) -> None:
        self._live_lock = threading.Lock()
        self._live: WorkerLink | None = None
        self._starts = 0
        self._layers: dict[str, Any] = {}
        self._verifications = threading.BoundedSemaphore(MOST_VERIFICATIONS)

    def start(self) -> None:
        """Start the worker for live models, so that the first request need not wait."""
        with self._live_lock:
            self._worker()

    def answer(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        """Return the answer to one request."""
        try:
            if head.get("op") == "status":
                return self._status(), b""
            if head.get("op") == "verify":
                return self._verify(head, body)
            with self._live_lock:
                return self._ask_live(head, body)
        except SpotOptimizerError as error:
            return {"ok": False, "code": error.code, "error": error.message}, b""

    def look_after(self) -> None:
        """Replace the live worker if it has ended."""
        with self._live_lock:
            if self._live is not None and not self._live.is_alive:
                self._worker()

    def close(self) -> None:
        """End the worker."""
        with self._live_lock:
            if self._live:
                self._live.close()
                self._live = None

    def _ask_live(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        if head.get("op") != "load":
            return self._worker().ask(head, body, SCORE_SECONDS)
        try:
            return self._worker().ask(head, body, LOAD_SECONDS)
        except WorkerGone:  # it may have died before: a load can be repeated
            return self._worker().ask(head, body, LOAD_SECONDS)

    def _worker(self) -> WorkerLink:
        if self._live is None or not self._live.is_alive:
            if self._live is not None:
                self._live.close()
                self._live = None
            self._live = WorkerLink(_LIVE_LIMITS)
            self._layers = self._live.layers
            self._starts += 1
            logger.info(
                "Started confined process %d",
                self._live.pid,
                extra={"action": "scorer_worker_started", "pid": self._live.pid},
            )
        return self._live

    def _verify(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        if not self._verifications.acquire(timeout=VERIFY_SECONDS):
            raise LimitReached("Other models are being verified; try again in a minute")
        try:
            worker = WorkerLink(_VERIFY_LIMITS)
            try:
                return worker.ask(head, body, VERIFY_SECONDS)
            finally:
                worker.close()
        finally:
            self._verifications.release()

    def _status(self) -> Head:
        """Return what is known; never waits for a worker that is being started."""
        worker = self._live
        return {
            "ok": True,
            "is_running": worker is not None and worker.is_alive,
            "layers": self._layers,
            "worker_pid": worker.pid if worker else None,
            "worker_starts": self._starts,
        }


def serve(listener: socket.socket, stop: StopRequest, broker: Broker) -> None:
    """Serve whoever connects, until a stop is asked for."""
    broker.start()
    listener.settimeout(_TICK_SECONDS)
    while not stop.is_made:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            _look_after(broker)
            continue
        connection.settimeout(None)
        threading.Thread(
            target=_converse, args=(connection, broker), name="scorer-client", daemon=True
        ).start()
    broker.close()


def listening_socket(path: Path) -> socket.socket:
    """Return a listening Unix socket with mode 0600; a stale file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


def _look_after(broker: Broker) -> None:
    try:
        broker.look_after()
    except ScorerUnavailable as error:
        logger.warning(
            "The confined process cannot be started: %s",
            error,
            extra={"action": "scorer_worker_failed"},
        )


def _converse(connection: socket.socket, broker: Broker) -> None:
    stream: Any = SocketStream(connection)
    with connection:
        while True:
            try:
                request = frames.receive(stream)
                frames.send(stream, *broker.answer(*request))
            except (Broken, OSError):
                return


def main(arguments: list[str]) -> None:
    """Serve on the socket named by the only argument until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    stop = StopRequest()
    stop.listen()
    path = Path(arguments[0])
    with listening_socket(path) as listener:
        serve(listener, stop, Broker())
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1:])
