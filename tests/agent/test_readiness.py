"""Readiness: what the user configured is really asked."""

import socket
import threading

import pytest

from agent import probes
from tests.fakes.agent_http import Answer, LoopbackServer

POOLS = ["m5.large.us-east-1b"]


def _switch(make_rig, backend, **environ):
    agent = make_rig(environ={"READINESS_TIMEOUT": "10", **environ})
    agent.sync()
    backend.order_switch("c-1", POOLS)
    # Probes of the real world take real time, which the clock of the rig does not.
    agent.queue.while_waiting = lambda: (agent.deliver(), threading.Event().wait(0.005))
    agent.live()
    return backend.commands["c-1"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_switch_goes_on_when_the_port_is_open(make_rig, backend, port):
    assert _switch(make_rig, backend, READINESS_TCP_PORT=str(port)).status == "completed"


def test_switch_fails_when_the_port_stays_closed(make_rig, backend, port, ec2):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]

    command = _switch(make_rig, backend, READINESS_TCP_PORT=str(closed))

    assert command.message == "readiness: not after 10 s"
    assert ec2.alive() == ["i-old"]


@pytest.mark.parametrize(
    ("status", "end"), [(200, "completed"), (204, "completed"), (503, "failed")]
)
def test_switch_believes_the_status_of_the_page(make_rig, backend, status, end):
    page = LoopbackServer(lambda _: Answer(status))
    url = page.url.replace("127.0.0.1", "{ip}") + "/health"

    command = _switch(make_rig, backend, READINESS_HTTP_URL=url)
    page.close()

    assert command.status == end
    assert page.seen[0].path == "/health"


@pytest.mark.parametrize(
    ("program", "end"), [("true", "completed"), ("false", "failed"), ("no-such-program", "failed")]
)
def test_switch_believes_the_users_program(make_rig, backend, program, end):
    assert _switch(make_rig, backend, READINESS_COMMAND=program).status == end


def test_program_learns_the_new_instance_and_no_token(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOT_OPTIMIZER_CLIENT_TOKEN", "token-1")
    out = tmp_path / "out"

    ok = probes.succeeds(f"sh -c 'env > {out}'", {"NEW_INSTANCE_ID": "i-2"}, 5, probes_wait)

    assert ok
    assert "NEW_INSTANCE_ID=i-2" in out.read_text()
    assert "token-1" not in out.read_text()


def test_program_that_hangs_is_killed(tmp_path):
    pid = tmp_path / "pid"

    ok = probes.succeeds(f"sh -c 'echo $$ > {pid}; exec tail -f /dev/null'", {}, 0.4, probes_wait)

    assert not ok


def probes_wait(seconds: float) -> None:
    """Real time: the program is a real one."""
    threading.Event().wait(seconds)
