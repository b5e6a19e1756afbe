"""The client against a real HTTP server: what it sends, and what it makes of every answer."""

import threading
from collections.abc import Iterator

import pytest

from agent.backend_client.client import BackendClient, agent_path
from agent.backend_client.commands import parse_commands
from agent.backend_client.retry import Backoff, persist
from agent.backend_client.transport import Transport
from agent.backend_client.wire import parse_registered, parse_synced
from agent.errors import Parked, PermanentBackendError, TransientBackendError
from agent.secret import Secret
from tests.fakes.agent_http import Answer, LoopbackServer

BODY = {"error": "not now", "code": "limit_reached", "details": {"retry_after_seconds": 7}}


@pytest.fixture
def answers() -> list[Answer]:
    return []


@pytest.fixture
def server(answers) -> Iterator[LoopbackServer]:
    far_side = LoopbackServer(lambda seen: answers.pop(0) if answers else Answer(body={}))
    yield far_side
    far_side.close()


@pytest.fixture
def transport(server) -> Transport:
    return Transport(f"{server.url}/base", Secret("token-1"), "i-1")


def test_request_carries_token_and_instance(transport, server):
    transport.request("GET", "/api/agents/a/config")

    headers = server.seen[0].headers
    assert headers["Authorization"] == "Bearer token-1"
    assert headers["X-Instance-Id"] == "i-1"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_overload_and_breakage_are_transient(transport, answers, status):
    answers.append(Answer(status, "<html>", {"Retry-After": "3"}))

    with pytest.raises(TransientBackendError) as caught:
        transport.request("GET", "/x")

    assert caught.value.retry_after == 3


@pytest.mark.parametrize("answer", [Answer(0), Answer(200, "<html>")])
def test_silence_and_nonsense_are_transient(transport, answers, answer):
    answers.append(answer)

    with pytest.raises(TransientBackendError):
        transport.request("GET", "/x")


def test_conflict_that_asks_to_repeat_is_transient(transport, answers):
    answers.append(Answer(409, BODY))

    with pytest.raises(TransientBackendError) as caught:
        transport.request("POST", "/x", {})

    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 409, 413])
def test_refusals_are_permanent(transport, answers, status):
    answers.append(Answer(status, {"error": "no", "code": "word", "details": {"a": 1}}))

    with pytest.raises(PermanentBackendError) as caught:
        transport.request("POST", "/x", {})

    assert (caught.value.status, caught.value.code) == (status, "word")
    assert caught.value.details == {"a": 1}


def test_missing_route_and_missing_agent_differ(transport, answers):
    answers += [Answer(404, "<h1>Not Found</h1>"), Answer(404, {"error": "x", "code": "not_found"})]

    with pytest.raises(PermanentBackendError) as route:
        transport.request("POST", "/x", {})
    with pytest.raises(PermanentBackendError) as agent:
        transport.request("POST", "/x", {})

    assert (route.value.is_unknown_route, route.value.is_unknown_agent) == (True, False)
    assert (agent.value.is_unknown_route, agent.value.is_unknown_agent) == (False, True)


def test_errors_do_not_show_the_token(server):
    server.close()

    with pytest.raises(TransientBackendError) as caught:
        Transport(server.url, Secret("token-1"), "i-1").request("GET", "/x")

    assert "token-1" not in str(caught.value)


def test_empty_answer_is_an_empty_object(transport, answers):
    answers.append(Answer(204))

    assert transport.request("POST", "/x", {}) == {}


def test_persist_waits_longer_and_longer_within_its_bounds(clock):
    pauses: list[float] = []
    tries = iter([TransientBackendError("1"), TransientBackendError("2", retry_after=9), None])

    def call() -> str:
        error = next(tries)
        if error:
            raise error
        return "done"

    result = persist(call, wait=pauses.append, clock=clock, backoff=Backoff(1, 30))

    assert result == "done"
    assert 0.25 <= pauses[0] <= 1
    assert pauses[1] == 9


def test_persist_gives_up_when_the_budget_is_spent(clock):
    def call() -> None:
        raise TransientBackendError("away", retry_after=5)

    with pytest.raises(TransientBackendError):
        persist(call, wait=lambda _: None, clock=clock, budget=4)


def test_persist_lets_go_when_waiting_is_interrupted(clock):
    def call() -> None:
        raise TransientBackendError("away")

    def wait(_: float) -> None:
        raise Parked("stop")

    with pytest.raises(Parked):
        persist(call, wait=wait, clock=clock)


@pytest.mark.parametrize("answer", [None, [], {}, {"agent_id": 7}])
def test_registration_without_agent_id_is_no_registration(answer):
    with pytest.raises(TransientBackendError):
        parse_registered(answer)


@pytest.mark.parametrize("answer", [None, {}, {"role": "primary"}, {"role": 1, "epoch": 1}])
def test_sync_without_role_or_epoch_is_no_sync(answer):
    with pytest.raises(TransientBackendError):
        parse_synced(answer)


@pytest.mark.parametrize("name", ["commands", "pending_commands", "data"])
def test_commands_are_found_under_every_name(name):
    row = {"id": 7, "target_mode": "spot", "priority": None, "terminate_wait_seconds": "300"}

    found = parse_commands({name: [row, {"id": None}, "x"]}, is_classic=True)

    assert [(c.id, c.command_type, c.priority, c.terminate_wait_seconds) for c in found] == [
        ("7", "switch", 0, 300)
    ]


def test_every_thread_has_its_own_connection(transport):
    sessions = []

    def remember() -> None:
        sessions.append(transport._session())

    threads = [threading.Thread(target=remember) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sessions[0] is not sessions[1]
    assert transport._session() is transport._session()


def test_goodbye_names_the_instance(transport, server):
    BackendClient(transport).say_goodbye("a", "i-1")

    assert server.seen[0].body == {"status": "offline", "instance_id": "i-1"}


def test_ids_cannot_leave_their_place():
    assert agent_path("a/../b", "commands", "c?x=1") == "/api/agents/a%2F..%2Fb/commands/c%3Fx%3D1"
