"""Real servers on the loopback address that take what channels send: HTTP and SMTP."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.handlers import Message


class WebReceiver:
    """Keeps every request; answers the statuses that are asked for, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.statuses: list[int] = []
        self.location = ""
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(self.path, dict(self.headers), json.loads(body)))
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def take(self, path: str, headers: dict[str, str], body: Any) -> int:
        with self._lock:
            self.requests.append((path, headers, body))
            return self.statuses.pop(0) if self.statuses else 200

    @property
    def bodies(self) -> list[Any]:
        return [body for _, _, body in self.requests]

    @contextmanager
    def running(self) -> Iterator["WebReceiver"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class MailReceiver(Message):
    """Keeps every mail with the recipients of its envelope."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []
        self.port = 0

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)

    @contextmanager
    def running(self) -> Iterator["MailReceiver"]:
        loop = asyncio.new_event_loop()
        controller = UnthreadedController(self, hostname="127.0.0.1", port=0, loop=loop)
        ready = threading.Event()

        def serve() -> None:
            # The whole life of the loop belongs to this thread: a browser that an earlier test
            # of the same process opened keeps a loop of its own running in the main thread.
            controller.begin()
            ready.set()
            loop.run_forever()
            controller.end()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        if not ready.wait(timeout=10):
            raise RuntimeError("the mail receiver did not start within 10 s")
        self.port = controller.server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
