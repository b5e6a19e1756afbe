"""The sandbox against code that runs inside it, and against models that misbehave."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from backend.engines.breaker import Breaker
from backend.engines.errors import ModelRefused, ScorerUnavailable, UnknownModel
from backend.engines.sandbox import worker_link
from backend.engines.sandbox.confinement import Limits
from backend.engines.sandbox.scorer_client import ScorerClient
from tests.fakes import models as files
from tests.fakes.clock import FakeClock

ATTACK = Path(__file__).with_name("attack.py")
MANIFEST = {"features": files.FEATURES}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, database_server) -> dict:
    folder = tmp_path_factory.mktemp("attack")
    (folder / "empty").mkdir()
    (folder / ".env").write_text("SECRET_KEY=sesame")
    command = [sys.executable, "-I", str(ATTACK), str(folder / "empty"), str(folder / ".env")]
    done = subprocess.run(
        [*command, str(database_server.address.unix_socket)],
        capture_output=True, env={"SECRET_KEY": "sesame"}, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def test_every_layer_is_tried_and_reported(attacked):
    assert set(attacked["layers"]) == {
        "namespaces", "root", "landlock", "user", "limits", "seccomp",
    }  # fmt: skip
    assert attacked["layers"]["seccomp"]["ok"]


@pytest.mark.parametrize(
    "attack",
    [
        "read_secret", "read_passwd", "read_environment", "list_root", "write_file",
        "database_socket", "network", "fork_bomb", "run_program", "shell", "kill_parent",
        "become_root", "executable_memory", "memory_bomb",
    ],
)  # fmt: skip
def test_code_inside_fails(attacked, attack):
    assert attacked["results"][attack] in {"PermissionError", "MemoryError", "OSError"}


def test_environment_inside_is_empty(attacked):
    assert attacked["results"]["environment"] == {}


def test_memory_bomb_in_onnx_is_refused_and_the_live_model_goes_on(scorer):
    content = files.own_json()
    manifest = scorer.verify("json", content, MANIFEST)[0]["manifest"]
    scorer.load("live", "json", content, manifest)
    before = scorer.score("live", [[1, 2, 3]])

    with pytest.raises(ModelRefused):
        scorer.verify("onnx", files.onnx_memory_bomb(), MANIFEST)

    assert scorer.score("live", [[1, 2, 3]]) == before


def test_killed_worker_is_replaced_and_the_model_loaded_again(scorer):
    content = files.own_json()
    manifest = scorer.verify("json", content, MANIFEST)[0]["manifest"]
    scorer.load("live", "json", content, manifest)
    first = scorer.status()
    os.kill(first["worker_pid"], signal.SIGKILL)
    with pytest.raises((UnknownModel, ScorerUnavailable)):
        scorer.score("live", [[1, 2, 3]])
    scorer.load("live", "json", content, manifest)

    assert len(scorer.score("live", [[1, 2, 3]])) == 1
    assert scorer.status()["worker_starts"] == first["worker_starts"] + 1


def test_worker_that_takes_too_long_is_killed():
    link = worker_link.WorkerLink(Limits())
    rows = [[0.5, 0.5, 0.5]] * 200
    trees = {"feature": [0] * 3, "threshold": [0] * 3, "left": [1, -1, -1], "right": [2, -1, -1]}
    content = files.own_json(type="trees", trees=[{**trees, "value": [0, 0, 0]}] * 5000)
    head = {"op": "verify", "format": "json", "manifest": {**MANIFEST, "golden": {"rows": rows}}}

    with pytest.raises(worker_link.WorkerGone, match="No answer within"):
        link.ask(head, content, 0.01)

    assert not link.is_alive


def test_absent_scorer_opens_the_breaker(tmp_path):
    clock = FakeClock()
    breaker = Breaker(clock)
    client = ScorerClient(tmp_path / "nobody.sock", breaker)
    for _ in range(3):
        with pytest.raises(ScorerUnavailable, match="not running"):
            client.score("live", [[1.0]])

    with pytest.raises(ScorerUnavailable, match="left alone"):
        client.score("live", [[1.0]])
