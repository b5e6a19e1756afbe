"""Listens, and gives every connection a thread, up to a limit."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading

from agent.clock import Clock
from agent.proxy.answers import error_body
from agent.proxy.conversation import Conversations
from agent.proxy.errors import Refused
from agent.proxy.metrics import Metrics
from agent.proxy.settings import ProxySettings
from agent.proxy.upstream import Upstream
from agent.proxy.wire import Wire

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_LAST_SECONDS = 10.0
_LOOKS_FOR_ROOM, _ROOM_SECONDS = 5, 0.02
_BUSY = Refused(503, "proxy_busy", "Too many connections; try again")


class ProxyServer:
    """One listening proxy; made in the main thread, which then runs it."""

    def __init__(self, settings: ProxySettings, clock: Clock) -> None:
        self.metrics = Metrics()
        self._upstream = Upstream(settings, self.metrics, clock)
        self._conversations = Conversations(settings, self._upstream, self.metrics, clock)
        self._clock = clock
        self._slots = threading.BoundedSemaphore(settings.max_connections)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[Wire, bool] = {}  # and whether a request is being served on it
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._listener = socket.create_server((settings.host, settings.port), family=family)
        self._listener.settimeout(_LOOK_SECONDS)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """Ask for the end; returns at once. Safe to call from a signal handler."""
        self._stopping.set()

    def look(self) -> None:
        """Take one connection, or none within half a second."""
        try:
            link, address = self._listener.accept()
        except OSError:  # nobody came, or out of descriptors for a moment
            return
        if not self._slots.acquire(blocking=False) and not self._make_room():
            self._turn_away(link)
            return
        threading.Thread(target=self._hold, args=(link, address[0]), daemon=True).start()

    def close(self) -> None:
        """Stop listening, let running requests end for a while, then cut what is left."""
        self._stopping.set()
        self._listener.close()
        self._hang_up(only_idle=True)
        until = self._clock.monotonic() + _LAST_SECONDS
        while self._open and self._clock.monotonic() < until:
            threading.Event().wait(0.01)
        self._hang_up(only_idle=False)
        self._upstream.close()

    def _hold(self, link: socket.socket, peer: str) -> None:
        wire = Wire(link, is_server=True, clock=self._clock)
        with self._lock:
            self._open[wire] = False
        self.metrics.callers.inc()
        try:
            self._conversations.hold(wire, peer, lambda busy: self._note(wire, busy))
        finally:
            wire.close()
            with self._lock:
                del self._open[wire]
            self.metrics.callers.dec()
            self._slots.release()

    def _note(self, wire: Wire, busy: bool) -> bool:  # noqa: FBT001 - a callback of one fact
        with self._lock:
            self._open[wire] = busy
        return busy or not self._stopping.is_set()

    def _make_room(self) -> bool:
        """Hang up on a connection that waits for its next request, and take its place."""
        for _ in range(_LOOKS_FOR_ROOM):
            with self._lock:
                waiting = next((wire for wire, is_busy in self._open.items() if not is_busy), None)
            if waiting is not None:
                waiting.hang_up()
            if self._slots.acquire(timeout=_ROOM_SECONDS):
                return True
        return False

    def _hang_up(self, *, only_idle: bool) -> None:
        with self._lock:
            ending = [wire for wire, is_busy in self._open.items() if not (only_idle and is_busy)]
        for wire in ending:
            wire.hang_up()

    def _turn_away(self, link: socket.socket) -> None:
        self.metrics.turned_away.inc()
        logger.warning("Too many connections", extra={"action": "connection_refused"})
        body = error_body(_BUSY, "none")
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            f"Retry-After: 1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with contextlib.suppress(OSError), link:
            link.settimeout(_ROOM_SECONDS)
            link.sendall(head.encode("ascii") + body)
            link.recv(65_536)  # closing over an unread request would reset the answer away
