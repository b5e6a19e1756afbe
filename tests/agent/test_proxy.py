"""The proxy between real sockets: what goes in comes out, and what is crooked does not."""

import base64
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.clock import SystemClock
from agent.errors import ConfigError
from agent.proxy.server import ProxyServer
from agent.proxy.settings import load_proxy_settings

PASSWORD = "correct horse battery"


class Backend:
    """Tells what it got; ``/slow`` waits, ``/drop`` hangs up, ``/half`` stops."""

    def __init__(self) -> None:  # noqa: C901 - a handler that is a closure
        self.connections, self.seen, self.release = 0, [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def serve(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/early":
                    return self.reply(413, b"{}", {"Connection": "close"})
                body = self.chunks() if self.headers.get("Transfer-Encoding") else self.whole()
                outer.seen.append((self.command, self.path, list(self.headers.items()), len(body)))
                if path == "/slow":
                    outer.release.wait(10)
                elif path == "/drop":
                    self.close_connection = True
                    return None
                elif path == "/half":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                    self.close_connection = True
                    return None
                elif path == "/stream":
                    return self.stream()
                elif path == "/garbage":
                    self.wfile.write(b"hello\r\n\r\n")
                    return None
                status = int(path[8:]) if path.startswith("/status/") else 200
                return self.reply(status, b"" if status in {204, 304} else path.encode())

            def reply(self, status: int, body: bytes, headers: dict | None = None) -> None:
                self.send_response(status)
                self.send_header("Connection", "X-Secret-Hop")
                self.send_header("X-Secret-Hop", "1")
                self.send_header("Set-Cookie", "a=1")
                self.send_header("Set-Cookie", "b=2")
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def stream(self) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nfirst\r\n")
                outer.release.wait(10)
                self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

            def whole(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def chunks(self) -> bytes:
                body = bytearray()
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return bytes(body)

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self.serve
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def upstream() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def start(upstream) -> Iterator[Callable[..., ProxyServer]]:
    with contextlib.ExitStack() as ends:

        def run(**over: str) -> ProxyServer:
            environ = {
                "BACKEND_URL": f"http://127.0.0.1:{upstream.server.server_port}",
                "PROXY_PORT": "0",
                "PROXY_READ_TIMEOUT": "5",
                **over,
            }
            proxy = ProxyServer(load_proxy_settings(environ), SystemClock())
            stop = threading.Event()

            def loop() -> None:
                while not stop.is_set():
                    proxy.look()

            def end() -> None:
                stop.set()
                upstream.release.set()
                with contextlib.suppress(OSError):  # wake it
                    socket.create_connection(("127.0.0.1", proxy.port)).close()
                thread.join()
                proxy.close()

            thread = threading.Thread(target=loop)
            thread.start()
            ends.callback(end)
            return proxy

        yield run


def ask(proxy, method, target, body=None, headers=None, **kw):
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    with contextlib.closing(link):
        link.request(method, target, body, headers or {}, **kw)
        answer = link.getresponse()
        return answer.status, answer.read(), answer.headers


def say(proxy, data: bytes, *, half_close: bool = False) -> bytes:
    """Everything that comes back for these very bytes."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as link:
        link.sendall(data)
        if half_close:
            link.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
        return answer


def settle(proxy) -> None:
    """Counters and log follow the answer: wait until every caller's thread is through."""
    for _ in range(2_000):
        if metric(proxy, "spot_proxy_open_connections") == 0:
            return
        threading.Event().wait(0.005)
    raise AssertionError("a connection stays open")


def metric(proxy, line: str) -> float:
    text = proxy.metrics.text().decode()
    return float(next(row for row in text.splitlines() if row.startswith(line + " ")).split()[-1])


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"]
)
def test_proxy_forwards_method_path_and_query_verbatim(start, upstream, method):
    target = "/api/x%2fy;v=1/%C3%A4?q=a+b&e=&e=%20%2f[|]&z='"

    status, body, headers = ask(start(), method, target, b"{}" if method in "POST PUT" else None)

    assert status == 200
    assert upstream.seen[0][:2] == (method, target)
    assert body == (b"" if method == "HEAD" else target.partition("?")[0].encode())
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("status", [201, 204, 301, 304, 404, 409, 503])
def test_proxy_returns_the_status_that_the_backend_gave(start, status):
    assert ask(start(), "GET", f"/status/{status}")[0] == status


def test_proxy_strips_hop_headers_and_says_who_asks(start, upstream):
    sent = {
        "Connection": "close, X-Mine", "X-Mine": "1", "TE": "trailers", "Upgrade": "h2c",
        "X-Forwarded-For": "6.6.6.6", "X_Forwarded_For": "6.6.6.6", "Forwarded": "for=6.6.6.6",
        "Authorization": "Bearer t", "X-Request-Id": "r-1", "Expect": "100-continue",
    }  # fmt: skip
    proxy = start(BACKEND_URL=f"http://127.0.0.1:{upstream.server.server_port}/base/")

    _, _, answered = ask(proxy, "GET", "/a", headers=sent)

    _, path, headers, _ = upstream.seen[0]
    got = {name.lower(): value for name, value in headers}
    assert path == "/base/a"
    assert not got.keys() & {"x-mine", "te", "upgrade", "x_forwarded_for", "forwarded", "expect"}
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-host"] == f"127.0.0.1:{proxy.port}"
    assert (got["authorization"], got["x-request-id"]) == ("Bearer t", "r-1")
    assert "X-Secret-Hop" not in answered


def test_proxy_continues_the_chain_of_a_trusted_proxy(start, upstream):
    earlier = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "h"}

    ask(start(PROXY_TRUST_FORWARDED="true"), "GET", "/a", headers=earlier)

    got = dict(upstream.seen[0][2])
    assert got["X-Forwarded-For"] == "9.9.9.9, 127.0.0.1"
    assert (got["X-Forwarded-Proto"], got["X-Forwarded-Host"]) == ("https", "h")


def test_proxy_streams_an_answer_while_it_is_made(start, upstream):
    link = http.client.HTTPConnection("127.0.0.1", start().port, timeout=10)
    with contextlib.closing(link):
        link.request("GET", "/stream")
        answer = link.getresponse()
        first = answer.read1(100)
        upstream.release.set()

        assert (first, answer.read()) == (b"first", b"second")


@pytest.mark.parametrize("chunked", [True, False])
def test_proxy_streams_a_big_upload(start, upstream, chunked):
    size, piece = 20_000_000, bytes(100_000)
    headers = {} if chunked else {"Content-Length": str(size)}

    status, _, _ = ask(
        start(), "POST", "/up", (piece for _ in range(200)), headers, encode_chunked=chunked
    )

    assert (status, upstream.seen[0][3]) == (200, size)


@pytest.mark.parametrize("framing", [b"Content-Length: 2000", b"Transfer-Encoding: chunked"])
def test_proxy_refuses_a_body_above_the_limit(start, upstream, framing):
    proxy = start(PROXY_MAX_BODY_BYTES="1000")

    answer = say(
        proxy, b"POST /up HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n7d0\r\n" + bytes(2000)
    )

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "body_too_large"' in answer
    assert upstream.seen == []


def test_proxy_passes_on_an_answer_that_comes_before_the_body_ends(start):
    head = b"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n"

    with socket.create_connection(("127.0.0.1", start().port), timeout=10) as link:
        link.sendall(head)
        with contextlib.suppress(OSError):
            for _ in range(50):
                link.sendall(bytes(100_000))

        assert link.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/slow", 504, "upstream_timeout"),
        ("/drop", 502, "upstream_closed"),
        ("/garbage", 502, "upstream_invalid"),
    ],
)
def test_proxy_says_in_json_how_the_backend_failed(start, target, status, code):
    got, body, _ = ask(
        start(PROXY_READ_TIMEOUT="0.2"), "GET", target, headers={"X-Request-Id": "r-2"}
    )

    assert got == status
    assert json.loads(body).keys() == {"error", "code", "request_id", "details"}
    assert (json.loads(body)["code"], json.loads(body)["request_id"]) == (code, "r-2")


def test_proxy_answers_502_when_nobody_listens(start):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    proxy = start(BACKEND_URL=url)

    assert ask(proxy, "POST", "/a", b"x")[0] == 502
    assert ask(proxy, "GET", "/proxy/health")[0] == 503


def test_proxy_cuts_an_answer_that_the_backend_did_not_finish(start):
    proxy = start()

    with pytest.raises(http.client.IncompleteRead):
        ask(proxy, "GET", "/half")

    settle(proxy)
    assert metric(proxy, "spot_proxy_broken_answers_total") == 1


def test_proxy_answers_a_caller_that_closed_its_sending_half(start):
    answer = say(start(), b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", half_close=True)

    assert answer.endswith(b"\r\n\r\n/a")


def test_proxy_refuses_a_body_that_ends_too_early(start, upstream):
    head = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"

    assert say(start(), head, half_close=True).startswith(b"HTTP/1.1 400 ")
    assert 9 not in [size for *_, size in upstream.seen]


@pytest.mark.parametrize(
    "data",
    [
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3x\r\nabc\r\n0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nHost: g\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET //evil/x HTTP/1.1\r\nHost: h\r\n\r\n",
        b"CONNECT evil:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /base/../admin HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a/%2e%2E%2fadmin HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a/..;x/admin HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a/..\\admin HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nVia: 1.1 spot-optimizer-proxy\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_proxy_refuses_what_two_servers_could_read_in_two_ways(start, upstream, data):
    answer = say(start(), data, half_close=True)

    status = int(answer.split(b" ")[1])
    assert status in {400, 405, 431, 501, 502}
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] != ""
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [path for _, path, _, _ in upstream.seen if "admin" in path or "latest" in path] == []


def test_proxy_reuses_connections_on_both_sides(start, upstream):
    proxy = start()
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    with contextlib.closing(link):
        for _ in range(20):
            link.request("POST", "/a", b"{}")
            assert link.getresponse().read() == b"/a"

    assert upstream.connections == 1
    assert metric(proxy, 'spot_proxy_upstream_connections_total{kind="opened"}') == 1
    assert metric(proxy, 'spot_proxy_upstream_connections_total{kind="reused"}') == 19


def test_proxy_turns_callers_away_when_all_places_are_busy(start, upstream):
    proxy = start(PROXY_MAX_CONNECTIONS="1")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as busy:
        busy.sendall(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        assert busy.recv(100).startswith(b"HTTP/1.1 200 ")

        assert b'"code": "proxy_busy"' in say(proxy, b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")


def test_proxy_takes_the_place_of_a_caller_that_only_waits(start):
    proxy = start(PROXY_MAX_CONNECTIONS="1")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as idle:
        idle.sendall(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")

        assert ask(proxy, "GET", "/b")[1] == b"/b"


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()}


@pytest.fixture
def guarded(start) -> ProxyServer:
    return start(PROXY_LOGIN_USER="ann", PROXY_LOGIN_PASSWORD=PASSWORD, PROXY_TOKEN="tok-9")


def test_proxy_adds_the_token_for_who_logs_in(guarded, upstream, caplog):
    with caplog.at_level("INFO"):
        status, _, _ = ask(guarded, "GET", "/a?secret=s1", headers=_basic(PASSWORD))
        settle(guarded)

    assert status == 200
    assert dict(upstream.seen[0][2])["Authorization"] == "Bearer tok-9"
    assert "request_forwarded" in {getattr(record, "action", "") for record in caplog.records}
    logged = str([vars(record) for record in caplog.records])
    assert not any(secret in logged for secret in ("tok-9", PASSWORD, "s1"))


def test_proxy_asks_for_a_login_and_leaves_a_bearer_alone(guarded, upstream):
    status, _, headers = ask(guarded, "GET", "/a")

    assert (status, headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert ask(guarded, "GET", "/proxy/metrics")[0] == 401
    assert ask(guarded, "GET", "/proxy/health")[0] == 200
    assert upstream.seen == []
    assert ask(guarded, "GET", "/a", headers={"Authorization": "Bearer own"})[0] == 200
    assert dict(upstream.seen[0][2])["Authorization"] == "Bearer own"


def test_proxy_throttles_wrong_logins(guarded, upstream):
    wrong = [ask(guarded, "GET", "/a", headers=_basic("no"))[0] for _ in range(6)]

    status, _, headers = ask(guarded, "GET", "/a", headers=_basic(PASSWORD))

    assert wrong == [401] * 5 + [429]
    assert (status, 0 < int(headers["Retry-After"]) <= 61) == (429, True)
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("mark", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_proxy_refuses_what_a_foreign_page_asks_with_the_login(guarded, mark, status):
    assert ask(guarded, "POST", "/a", b"{}", {**_basic(PASSWORD), **mark})[0] == status


def test_proxy_shows_its_counters(start):
    proxy = start()
    ask(proxy, "GET", "/status/404")
    settle(proxy)

    status, body, headers = ask(proxy, "GET", "/proxy/metrics")

    assert (status, headers["Content-Type"][:10]) == (200, "text/plain")
    assert b'spot_proxy_requests_total{method="GET",status="404"} 1.0' in body


@pytest.mark.parametrize(
    ("over", "complaint"),
    [
        ({"BACKEND_URL": ""}, "BACKEND_URL: must be set to the backend's address"),
        (
            {"BACKEND_URL": "http://localhost:5000"},
            "BACKEND_URL: is the proxy itself; change it, or PROXY_PORT",
        ),
        (
            {"BACKEND_URL": "http://u:p@b"},
            "BACKEND_URL: must be scheme, host, port and path, nothing else",
        ),
        (
            {"PROXY_MAX_CONNECTIONS": "0"},
            "PROXY_MAX_CONNECTIONS: must be a whole number from 1 to 1024",
        ),
        (
            {"PROXY_LOGIN_USER": "a", "PROXY_LOGIN_PASSWORD": "short"},
            "PROXY_LOGIN_PASSWORD: must have 12 characters or more",
        ),
        (
            {"PROXY_LOGIN_USER": "a", "PROXY_LOGIN_PASSWORD": PASSWORD},
            "PROXY_TOKEN: must be set to the client's token (or PROXY_TOKEN_FILE to a file)",
        ),
    ],
)
def test_proxy_refuses_settings_that_cannot_be_used(over, complaint):
    with pytest.raises(ConfigError) as caught:
        load_proxy_settings({"BACKEND_URL": "http://b.example", **over})

    assert str(caught.value) == complaint
