"""Life as a replica: fit, synchronised, ready; and how it ends."""

import threading
from datetime import timedelta

import pytest

from agent.imds import Imds
from agent.sync_program import Progress, read_progress
from tests.fakes.agent_http import Answer
from tests.fakes.agent_rig import make_identity

TAGS = {"ClientId": "client-1", "LogicalAgentId": "web-1", "ReplicaId": "r-1"}


@pytest.fixture
def start(make_rig, backend, ec2, imds, clock):
    """Start a registered replica on an instance of its own."""
    ec2.add("i-new", az="us-east-1b", tags=TAGS)
    backend.promote("i-old")

    def start(*, tags=TAGS, **environ):
        agent = make_rig(
            identity=make_identity("i-new", az="us-east-1b", tags=tags, private_ip="127.0.0.1"),
            disk="new",
            environ=environ,
            imds=Imds(imds.url, clock),
        )
        agent.sync()
        return agent

    return start


def _said(backend):
    return [(s.path.split("/")[-1], s.body) for s in backend.server.seen if "/replicas/" in s.path]


def _tick_until(agent, condition):
    for _ in range(500):
        agent.workers["replica"].tick()
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


def test_replica_is_ready_when_the_status_checks_pass(start, backend):
    agent = start()

    agent.workers["replica"].tick()

    assert agent.state.current.role == "replica"
    assert _said(backend) == [("status", {"status": "ready"})]


def test_replica_waits_for_the_status_checks(start, backend, ec2):
    ec2.status_is_ok = False
    agent = start()

    agent.workers["replica"].tick()

    assert _said(backend) == []


def test_ready_replica_asks_ec2_nothing_any_more(start, ec2):
    agent = start()
    agent.workers["replica"].tick()
    asked = ec2.calls.copy()

    for _ in range(10):
        agent.workers["replica"].tick()

    assert ec2.calls == asked


def test_replica_says_ready_again_after_a_restart(start, backend):
    start().workers["replica"].tick()

    start().workers["replica"].tick()

    assert _said(backend) == [("status", {"status": "ready"})] * 2


def test_replica_that_never_becomes_fit_says_so(start, backend, ec2, clock):
    ec2.status_is_ok = False
    agent = start(READINESS_TIMEOUT="30")

    agent.workers["replica"].tick()
    clock.advance(timedelta(seconds=31))
    agent.workers["replica"].tick()

    said = _said(backend)
    assert said == [("status", {"status": "failed", "error_message": "not fit after 31 s"})]


def test_replica_reports_the_progress_of_its_data_and_then_ready(start, backend, tmp_path):
    script = tmp_path / "sync.sh"
    script.write_text("#!/bin/sh\necho starting\necho progress=42.5 latency_ms=15\n")
    script.chmod(0o755)
    agent = start(REPLICA_SYNC_COMMAND=str(script))

    _tick_until(agent, lambda: backend.calls("/status"))

    said = _said(backend)
    assert said[0] == (
        "sync-status",
        {"sync_status": "syncing", "sync_latency_ms": 15, "state_transfer_progress": 42.5},
    )
    assert said[-1][1]["status"] == "ready"
    assert {"sync_started_at", "sync_completed_at"} <= set(said[-1][1])


def test_replica_fetches_its_data_once_also_over_a_restart(start, backend, tmp_path):
    log = tmp_path / "log"
    script = tmp_path / "sync.sh"
    script.write_text(f'#!/bin/sh\necho "$REPLICA_ID $PRIMARY_INSTANCE_ID" >> {log}\n')
    script.chmod(0o755)
    agent = start(REPLICA_SYNC_COMMAND=str(script))
    _tick_until(agent, lambda: len(backend.calls("/status")) == 1)

    _tick_until(start(REPLICA_SYNC_COMMAND=str(script)), lambda: len(backend.calls("/status")) == 2)

    assert log.read_text() == "r-1 i-old\n"


def test_replica_whose_program_fails_three_times_has_failed(start, backend):
    agent = start(REPLICA_SYNC_COMMAND="false")

    _tick_until(agent, lambda: backend.calls("/status"))

    body = backend.calls("/status")[0].body
    assert body["status"] == "failed"
    assert body["error_message"] == "REPLICA_SYNC_COMMAND ended with 1"


def test_program_ends_when_the_replica_becomes_the_primary(start, backend):
    agent = start(REPLICA_SYNC_COMMAND="sleep 600")
    worker = agent.workers["replica"]
    worker.tick()
    process = worker._program._program._process
    backend.promote("i-new")
    agent.sync()

    worker.tick()

    assert process.poll() is not None
    assert backend.calls("/status") == []


def test_replica_that_is_refused_asks_no_more(start, backend):
    backend.break_on("/status", Answer(409, {"error": "no", "code": "illegal_transition"}))
    agent = start()

    agent.workers["replica"].tick()
    agent.workers["replica"].tick()

    assert len(backend.calls("/status")) == 1


def test_replica_learns_its_id_later_when_its_launch_did_not_know_it(start, backend, imds):
    backend.fallback.bound = {"r-1": "i-new"}
    agent = start(tags={"ClientId": "client-1"})
    agent.workers["replica"].tick()
    before = _said(backend)
    imds.set_tags({"ReplicaId": "r-1"})

    agent.workers["replica"].tick()

    assert before == []
    assert _said(backend) == [("status", {"status": "ready"})]


def test_replica_reports_prices(start, backend):
    agent = start()

    agent.workers["prices"].tick()
    agent.deliver()

    assert len(backend.calls("/pricing-report")) == 1


@pytest.mark.parametrize(
    ("lines", "progress"),
    [
        (["progress=250 latency_ms=7"], Progress(100.0, 7)),
        (["progress=1", "progress=2 latency_ms=3.9"], Progress(2.0, 3)),
        (["hello", "progress=x"], Progress(None, None)),
    ],
)
def test_progress_is_read_from_the_programs_lines(lines, progress):
    assert read_progress(lines, Progress()) == progress
