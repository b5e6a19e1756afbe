"""The relay between agents and backend."""

import threading
from collections.abc import Iterator

import pytest

from simulator.json_http import ApiAway, call
from simulator.loopback import HOST, LoopbackServers, Request, Response
from simulator.network import Network
from tests.simulator.waiting import wait_for


class Backend:
    """Remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self._lock = threading.Lock()
        self.servers = LoopbackServers()
        self.url = f"http://{HOST}:{self.servers.open(self._answer)}"

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self.seen.append((request.method, f"{request.path}?{request.query}", request.body))
        if request.path == "/busy":
            return Response(503, b"{}", "application/json", {"Retry-After": "7"})
        return Response(200, b'{"ok": true}', "application/json")


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    yield made
    made.servers.stop()


@pytest.fixture
def network(backend) -> Iterator[Network]:
    made = Network(backend.url, seed=3)
    yield made
    made.stop()


def test_network_passes_on_what_it_gets(backend, network):
    answer = call(f"{network.url}/api/x?y=1", "POST", {"a": 1})

    assert (answer.status, answer.body) == (200, {"ok": True})
    assert backend.seen == [("POST", "/api/x?y=1", b'{"a": 1}')]
    assert call(f"{network.url}/busy").status == 503


def test_network_is_silent_for_those_who_are_cut_off(backend, network):
    network.cut("i-1")

    with pytest.raises(ApiAway):
        call(f"{network.url}/", "POST", {}, {"X-Instance-Id": "i-1"})
    assert call(f"{network.url}/", "POST", {}, {"X-Instance-Id": "i-2"}).status == 200
    network.cut()
    with pytest.raises(ApiAway):
        call(f"{network.url}/", headers={"X-Instance-Id": "i-2"})
    network.mend()
    assert call(f"{network.url}/", headers={"X-Instance-Id": "i-1"}).status == 200
    assert len(backend.seen) == 2


def test_network_repeats_messages_but_no_questions_when_it_is_disturbed(backend, network):
    network.disturb(repeat_share=1.0, longest_delay=0.05)

    call(f"{network.url}/told", "POST", {"n": 1})
    call(f"{network.url}/asked")
    wait_for(lambda: network.repeated == 1)

    paths = sorted(path for _, path, _ in backend.seen)
    assert paths == ["/asked?", "/told?", "/told?"]
    assert network.answers_to_repeats == {200: 1}


def test_network_looks_dead_when_the_backend_is(backend, network):
    backend.servers.stop()

    with pytest.raises(ApiAway):
        call(f"{network.url}/")
