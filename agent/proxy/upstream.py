"""Connections to the backend: made when needed, kept for the next request."""

from __future__ import annotations

import contextlib
import socket
import threading

from agent.clock import Clock
from agent.proxy.errors import Refused
from agent.proxy.metrics import Metrics
from agent.proxy.settings import ProxySettings
from agent.proxy.wire import Wire

_KEPT_SECONDS = 15.0  # shorter than what servers usually wait before they hang up


class Upstream:
    """A bounded stock of connections to the backend; thread-safe."""

    def __init__(self, settings: ProxySettings, metrics: Metrics, clock: Clock) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Wire]] = []

    def take_idle(self) -> Wire | None:
        """Return a connection that served before and still stands; None when there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, wire = self._idle.pop()  # the youngest: it is the likeliest to stand
            if self._clock.monotonic() - since < _KEPT_SECONDS and not wire.has_news():
                self._metrics.connections.labels("reused").inc()
                return wire
            wire.close()

    def connect(self) -> Wire:
        """Return a new connection.

        Raises:
            Refused: 502 when nobody listens there or TLS fails, 504 when nobody answers in time.
        """
        backend = self._settings.backend
        link: socket.socket | None = None
        try:
            link = socket.create_connection(
                (backend.host, backend.port), self._settings.connect_timeout
            )
            if backend.tls is not None:
                link = backend.tls.wrap_socket(link, server_hostname=backend.host)
        except socket.timeout as error:
            _close(link)
            raise Refused(504, "upstream_timeout", "The backend takes no connection") from error
        except OSError as error:
            _close(link)
            raise Refused(502, "upstream_unreachable", "The backend is not reachable") from error
        self._metrics.connections.labels("opened").inc()
        return Wire(link, is_server=False, clock=self._clock)

    def give_back(self, wire: Wire) -> None:
        """Keep a connection if it can serve again, else close it."""
        if wire.next_cycle():
            with self._lock:
                if len(self._idle) < self._settings.max_connections:
                    self._idle.append((self._clock.monotonic(), wire))
                    return
        wire.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, wire in idle:
            wire.close()


def _close(link: socket.socket | None) -> None:
    if link is not None:
        with contextlib.suppress(OSError):
            link.close()
