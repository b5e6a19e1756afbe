"""Faults of earlier agents as clients (F-1 to F-6): none of them can happen here."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.backend_client.transport import Transport
from agent.errors import ImdsUnavailable, PermanentBackendError, WorkerStuck
from agent.imds import Imds
from agent.secret import Secret
from tests.fakes.agent_http import Answer, LoopbackServer

ROOT = Path(__file__).resolve().parents[2]
POOLS = ["m5.large.us-east-1b"]


def test_f1_report_survives_the_backends_absence_and_a_restart(rig, make_rig, backend):
    backend.order_switch("c-1", POOLS)
    backend.break_on("/executed", Answer(503), times=3)
    rig.live()
    before = backend.commands["c-1"].status

    again = make_rig()
    for _ in range(4):
        again.live()

    assert (before, backend.commands["c-1"].status) == ("open", "completed")


def test_f1_agents_do_not_ask_in_step(rig):
    pauses = {round(rig.workers["sync"].attempt(), 6) for _ in range(10)}

    assert len(pauses) > 5


def test_f2_importing_the_agent_does_nothing(tmp_path):
    program = "import sys, agent.bootstrap; print('boto3' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "HEARTBEAT_INTERVAL": "x"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == "False\n"
    assert list(tmp_path.iterdir()) == []


def test_f3_refusal_says_what_the_backend_said():
    body = {"error": "This command is closed", "code": "illegal_transition", "details": {}}
    server = LoopbackServer(lambda _: Answer(409, body))

    with pytest.raises(PermanentBackendError, match="This command is closed"):
        Transport(server.url, Secret("token-1"), "i-1").request("POST", "/x", {})
    server.close()


def test_f3_failed_start_posts_nothing_for_an_agent_without_id(make_rig, backend):
    backend.break_on("/register", Answer(500), times=3)
    agent = make_rig()
    for _ in range(3):
        agent.workers["sync"].attempt()
        agent.workers["delivery"].attempt()
    agent.supervisor._say_goodbye()

    assert [seen.path for seen in backend.server.seen] == ["/api/agents/register"] * 3


def test_f4_prefix_of_the_address_is_kept():
    server = LoopbackServer(lambda _: Answer(body={}))
    Transport(f"{server.url}/tenant/", Secret("token-1"), "i-1").request("GET", "/api/agents/a")
    server.close()

    assert server.seen[0].path == "/tenant/api/agents/a"


def test_f4_agent_with_a_dead_worker_does_not_pretend_to_live(rig):
    rig.workers["prices"].stuck = WorkerStuck("prices: broken")

    with pytest.raises(WorkerStuck, match="prices: broken"):
        rig.supervisor.run()


def test_f5_many_reads_share_one_token(imds, clock):
    client = Imds(imds.url, clock)
    for _ in range(5):
        client.get("meta-data/instance-id")

    assert [seen.method for seen in imds.seen].count("PUT") == 1


def test_f5_error_page_is_no_token(imds, clock):
    imds.status["api/token"] = 403

    with pytest.raises(ImdsUnavailable, match="No metadata token: status 403"):
        Imds(imds.url, clock).get("meta-data/instance-id")


def test_f5_metadata_never_leaves_through_a_proxy(imds, clock, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    assert Imds(imds.url, clock).get("meta-data/instance-id") == "i-old"


def test_f6_goodbye_is_the_last_word(rig, backend):
    runner = threading.Thread(target=rig.supervisor.run)
    runner.start()
    rig.supervisor.stop()
    runner.join(10)

    threads = [*rig.supervisor._threads, rig.supervisor._action_thread]
    assert [thread.name for thread in threads if thread.is_alive()] == []
    assert backend.server.seen[-1].body == {"status": "offline", "instance_id": "i-old"}
