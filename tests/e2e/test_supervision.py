"""Children of serve with stand-in programs: restarted, stopped, never left behind."""

import os
import signal
import sys

import pytest

from backend.clock import SystemClock
from backend.serve.children import Child, ChildSpec
from backend.serve.folder_claim import FolderClaim
from backend.serve.guardian_link import Guardian
from backend.serve.supervisor import ServeFailed, Supervisor
from backend.stopping import StopRequest
from tests.e2e.processes import kill_all, processes_of, wait_until

pytestmark = pytest.mark.e2e

WAITS = "import signal; signal.pause()"
# A program with a worker of its own, like a web server.
FORKS = f"import os; os.fork(); {WAITS}"
REFUSES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True);" + (
    "[signal.pause() for _ in range(9)]"
)
DIES = "raise SystemExit(7)"


@pytest.fixture
def guardian():
    guardian = Guardian()
    yield guardian
    guardian.close()


@pytest.fixture
def make_spec(tmp_path):
    mark = str(tmp_path)

    def make(program: str, name: str = "stand-in", stop_seconds: float = 5.0) -> ChildSpec:
        command = [sys.executable, "-S", "-c", program]
        return ChildSpec(name, command, {**os.environ, "MARK": mark}, stop_seconds)

    yield make
    kill_all(mark)


def test_child_is_restarted_after_its_pause(guardian, make_spec):
    child = Child(make_spec(DIES), guardian)
    child.start(100.0)
    statuses = []
    wait_until(lambda: statuses.append(child.check(101.0)) or statuses[-1] is not None, 10, "death")

    assert statuses[-1] == 7
    assert child.check(101.49) is None
    assert child.pid is None
    assert child.check(101.5) is None
    assert child.pid is not None
    child.stop()


def test_pause_grows_with_every_death_and_a_long_life_clears_the_record(guardian, make_spec):
    child = Child(make_spec(DIES), guardian)
    pauses = []
    now = 0.0
    for life in (0.0, 0.0, 0.0, 3600.0):
        while child.pid is None:
            child.check(now) if pauses else child.start(now)
            now += 0.25 if child.pid is None else 0.0
        started = now
        now += life
        wait_until(lambda now=now: child.check(now) is not None, 10, "death")
        while child.pid is None:
            now += 0.25
            child.check(now)
        pauses.append(now - started - life)
    child.stop()

    assert pauses == [0.5, 1.0, 2.0, 0.5]
    assert child.death_count == 4


def test_workers_of_a_killed_child_are_ended_with_it(guardian, make_spec, tmp_path):
    child = Child(make_spec(FORKS), guardian)
    child.start(0.0)
    wait_until(lambda: len(processes_of(str(tmp_path))) == 2, 10, "the worker")
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: child.check(1.0) is not None, 10, "death")

    wait_until(lambda: not processes_of(str(tmp_path)), 10, "no worker is left")


def test_child_that_refuses_to_stop_is_killed(guardian, make_spec, tmp_path, capfd):
    child = Child(make_spec(REFUSES, stop_seconds=0.2), guardian)
    child.start(0.0)
    wait_until(lambda: capfd.readouterr().out, 10, "it listens")

    assert child.stop() is False
    assert processes_of(str(tmp_path)) == {}


def test_nothing_outlives_us_when_the_pipe_closes(make_spec, tmp_path):
    guardian = Guardian()
    children = [Child(make_spec(what, stop_seconds=0.3), guardian) for what in (FORKS, REFUSES)]
    for child in children:
        child.start(0.0)
    wait_until(lambda: len(processes_of(str(tmp_path))) == 3, 10, "all programs")
    guardian.finally_run([sys.executable, "-c", f"open({str(tmp_path / 'last')!r}, 'w')"])
    guardian.close()

    assert processes_of(str(tmp_path)) == {}
    assert (tmp_path / "last").is_file()
    assert all(child.check(1.0) is not None for child in children)


def test_killed_guardian_is_replaced_and_told_everything(make_spec, tmp_path):
    guardian = Guardian()
    child = Child(make_spec(WAITS, stop_seconds=0.3), guardian)
    child.start(0.0)
    first = guardian.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: guardian.check() or guardian.pid != first, 10, "a new guardian")
    guardian.close()

    assert processes_of(str(tmp_path)) == {}
    assert child.check(1.0) is not None


def test_supervisor_gives_up_on_a_start_whose_child_keeps_dying(guardian, make_spec):
    supervisor = Supervisor(SystemClock(), guardian, StopRequest())
    supervisor.start([make_spec(WAITS, "good"), make_spec(DIES, "bad")])

    with pytest.raises(ServeFailed, match="The bad process does not stay alive"):
        supervisor.wait_until(lambda: False, 30)
    supervisor.stop()


def test_supervisor_gives_up_on_a_start_that_takes_too_long(guardian, make_spec):
    supervisor = Supervisor(SystemClock(), guardian, StopRequest())

    with pytest.raises(ServeFailed, match="Not ready after 0 s"):
        supervisor.wait_until(lambda: False, 0)


def test_supervisor_stops_children_in_reverse_order(guardian, make_spec, tmp_path, caplog):
    supervisor = Supervisor(SystemClock(), guardian, StopRequest())
    supervisor.start([make_spec(WAITS, "first"), make_spec(WAITS, "second")])
    with caplog.at_level("INFO", "backend.serve.supervisor"):
        supervisor.stop()

    stopped = [record.child for record in caplog.records if record.action == "child_stopped"]
    assert stopped == ["second", "first"]
    assert processes_of(str(tmp_path)) == {}


def test_supervisor_ends_its_watch_when_a_stop_is_asked_for(guardian):
    stop = StopRequest()
    looks = []
    supervisor = Supervisor(
        SystemClock(), guardian, stop, lambda: looks.append(1) or (len(looks) == 2 and stop.make())
    )
    supervisor.watch()

    assert len(looks) == 2


def test_folder_is_claimed_by_one_and_free_again_afterwards(tmp_path):
    with FolderClaim(tmp_path), pytest.raises(ServeFailed, match=f"process {os.getpid()}"):
        FolderClaim(tmp_path).__enter__()

    with FolderClaim(tmp_path) as claim:
        assert (tmp_path / "serve.lock").read_text().strip() == str(os.getpid())
        assert not claim.was_abandoned


def test_folder_tells_when_its_last_holder_was_killed(tmp_path):
    (tmp_path / "serve.lock").write_text("4711\n")

    with FolderClaim(tmp_path) as claim:
        assert claim.was_abandoned
