"""A drill against a backend that runs already: what it needs, and what it refuses."""

import pytest

from simulator.drills.backend_process import BackendProcess
from simulator.drills.run import run_drill
from simulator.errors import SimulatorError

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    process = BackendProcess(tmp_path_factory.mktemp("backend"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def in_its_folder(backend, monkeypatch):
    monkeypatch.delenv("DB_HOST", raising=False)
    monkeypatch.setenv("LOCAL_DIR", backend.settings["LOCAL_DIR"])


def test_drill_uses_a_running_backend_when_url_and_token_are_given(backend, in_its_folder):
    running = (backend.url, backend.create_client("Drill").token)

    outcome = run_drill("switch", agents=1, seed=4, running=running)

    assert outcome.broken == []
    assert outcome.figures["succeeded"] == 1
    with pytest.raises(SimulatorError, match="1 agents already"):
        run_drill("switch", agents=1, seed=4, running=running)


def test_drill_refuses_when_the_token_is_unknown(backend, in_its_folder):
    with pytest.raises(SimulatorError, match="does not accept the token: status 401"):
        run_drill("switch", agents=1, seed=4, running=(backend.url, "token-of-nobody"))


def test_drill_says_what_to_set_when_the_database_is_not_found(backend, tmp_path, monkeypatch):
    monkeypatch.delenv("DB_HOST", raising=False)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    running = (backend.url, backend.create_client("Elsewhere").token)

    with pytest.raises(SimulatorError, match="LOCAL_DIR, or DB_HOST"):
        run_drill("switch", agents=1, seed=4, running=running)


def test_drill_that_kills_its_backend_refuses_when_it_is_not_its_own(backend, in_its_folder):
    with pytest.raises(SimulatorError, match="leave --url out"):
        run_drill("switch-crash", agents=1, seed=4, running=(backend.url, "any"))
