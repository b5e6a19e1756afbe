import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from backend.services.diagnosis.facts import PortState
from backend.services.diagnosis.machine_inspection import (
    has_c_extension,
    look_at_folder,
    look_at_port,
    names_in_file,
)


class Stranger(BaseHTTPRequestHandler):
    """Answers like any web server."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Keep the test's output clean."""


class Backend(Stranger):
    """Answers as the backend does: with the request id that it was sent."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Request-Id", self.headers["X-Request-Id"])
        self.end_headers()


@pytest.fixture
def serve():
    servers = []

    def start(handler: type[BaseHTTPRequestHandler]) -> int:
        server = HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server.server_port

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_driver_has_its_c_extension():
    assert has_c_extension()


@pytest.mark.parametrize(
    ("handler", "state"), [(Backend, PortState.OURS), (Stranger, PortState.FOREIGN)]
)
def test_port_is_told_apart_when_somebody_answers(serve, handler, state):
    assert look_at_port("127.0.0.1", serve(handler)) is state


def test_port_is_asked_on_loopback_when_every_address_is_served(serve):
    assert look_at_port("0.0.0.0", serve(Backend)) is PortState.OURS


def test_port_is_free_when_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert look_at_port("127.0.0.1", port) is PortState.FREE


def test_folder_is_usable_when_it_can_still_be_made(tmp_path):
    folder = look_at_folder(tmp_path / "a" / "b")

    assert folder.is_usable
    assert folder.free_bytes > 0


def test_folder_is_not_usable_when_a_file_stands_there(tmp_path):
    (tmp_path / "a").write_text("")

    assert not look_at_folder(tmp_path / "a").is_usable
    assert not look_at_folder(tmp_path / "a" / "b").is_usable


def test_names_of_the_file_include_empty_ones(tmp_path):
    (tmp_path / ".env").write_text("DB_HOST=\n# no\nPORT=1\n")

    assert names_in_file(tmp_path / ".env") == {"DB_HOST", "PORT"}


def test_names_are_none_when_there_is_no_file(tmp_path):
    assert names_in_file(tmp_path / ".env") == set()
