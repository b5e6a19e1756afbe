"""HTTP servers on loopback: many ports, one acceptor thread, a thread for each connection."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple
from urllib.parse import urlsplit

from simulator.errors import AnswerLost, SimulatorError

HOST = "127.0.0.1"
BACKLOG = 128
IDLE_SECONDS = 300.0  # a connection that asks nothing for so long is closed
LARGEST_BODY = 1_000_000  # bytes
JOIN_SECONDS = 2.0


class Request(NamedTuple):
    """An HTTP request; header names are looked up without regard to case."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, "" when it is absent."""
        return str(self.headers.get(name, ""))


class Response(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/plain"
    headers: Mapping[str, str] = {}


Responder = Callable[[Request], Response]


class LoopbackServers:
    """Listens on loopback ports. Thread-safe; nothing is left running after ``stop``."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._lock = threading.Lock()
        self._listeners: dict[int, socket.socket] = {}
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._is_stopping = False
        self._acceptor = threading.Thread(target=self._accept_all, name="acceptor", daemon=True)
        self._acceptor.start()

    def open(self, responder: Responder, port: int = 0) -> int:
        """Listen on a port, a free one when it is 0; return it.

        Raises:
            SimulatorError: the port is taken.
        """
        try:
            listener = socket.create_server((HOST, port), backlog=BACKLOG)
        except OSError as error:
            msg = f"port {port} cannot be opened: {error.strerror}"
            raise SimulatorError(msg) from error
        listener.setblocking(False)
        number: int = listener.getsockname()[1]
        with self._lock:
            self._listeners[number] = listener
            self._selector.register(listener, selectors.EVENT_READ, responder)
        self._wake()
        return number

    def close(self, port: int) -> None:
        """Stop listening on a port; connections refuse from now on. Idempotent."""
        with self._lock:
            listener = self._listeners.pop(port, None)
            if listener is not None:
                self._selector.unregister(listener)
                listener.close()
        self._wake()

    def stop(self) -> None:
        """Stop everything. Idempotent."""
        if self._is_stopping:
            return
        self._is_stopping = True
        self._wake()
        self._acceptor.join(JOIN_SECONDS)
        with self._lock:
            ports, connections = list(self._listeners), dict(self._connections)
        for port in ports:
            self.close(port)
        for connection, thread in connections.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(JOIN_SECONDS)
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"x")

    def _accept_all(self) -> None:
        while not self._is_stopping:
            for key, _events in self._selector.select():
                listener = key.fileobj
                if listener is self._wake_reader:
                    self._wake_reader.recv(4096)
                elif isinstance(listener, socket.socket):
                    self._accept(listener, key.data)

    def _accept(self, listener: socket.socket, responder: Responder) -> None:
        try:
            connection, address = listener.accept()
        except OSError:
            return  # the listener was closed, or the caller has gone
        connection.setblocking(True)
        thread = threading.Thread(
            target=self._serve, args=(connection, address, responder), daemon=True
        )
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _serve(
        self, connection: socket.socket, address: tuple[str, int], responder: Responder
    ) -> None:
        try:
            _Handler(connection, address, responder)
        except (OSError, AnswerLost):
            pass  # the caller has gone, or is meant to believe that we have
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and writes the responder's answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    timeout = IDLE_SECONDS

    def __init__(
        self, connection: socket.socket, address: tuple[str, int], responder: Responder
    ) -> None:
        self._responder = responder
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self.send_error(413)
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(length)
        request = Request(self.command, parts.path, parts.query, self.headers, body)
        response = self._responder(request)
        self.send_response_only(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Stay silent: the region keeps its own log of calls."""
