"""Models over HTTP: uploaded, activated, broken, rolled back; the recorded shapes; the refusals."""

import io
import os
import pickle
import shutil
import signal
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from backend.app import create_app
from backend.bootstrap import build_container
from backend.clock import SystemClock
from backend.engines.errors import BadFeatures
from backend.engines.model_bytes import CHUNK_BYTES, ModelBytes, sha256_of
from backend.services.callers import Role
from tests.api.people import OWN_PAGE
from tests.fakes import models as files
from tests.fakes.clock import START
from tests.fakes.scorer import running_scorer
from tests.integration.decisions.rows import logged, make_fleet, make_market

ROW = {"age": 0.1, "losses": 0.5, "ratio": 0.2, "unused": 1.0}


@pytest.fixture(scope="module")
def local_dir():
    folder = Path(tempfile.mkdtemp(prefix="spot-models-"))
    with running_scorer(folder / "scorer.sock"):
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(settings, local_dir, tmp_path):
    changes = {"local_dir": local_dir, "ml_models_dir": tmp_path / "models"}
    return settings.model_copy(update=changes)


@pytest.fixture
def another_node(settings, database, tmp_path):
    """A second process: its own cache folder, the same database and scorer."""
    changed = settings.model_copy(update={"ml_models_dir": tmp_path / "other"})
    return build_container(changed, SystemClock(), database)


def upload(http, headers, *named: tuple[str, bytes]):
    parts = [FileStorage(io.BytesIO(content), name) for name, content in named]
    boundary, body = encode_multipart(MultiDict([("files", part) for part in parts]))
    return http.post(
        "/api/admin/ml-models/upload",
        data=body,
        headers=headers,
        content_type=f"multipart/form-data; boundary={boundary}",
    )


def activate(http, headers, session_id):
    return http.post(
        "/api/admin/ml-models/activate", json={"sessionId": session_id}, headers=headers
    )


def sessions(http, headers, query=""):
    return http.get(f"/api/admin/ml-models/sessions{query}", headers=headers).json


def test_model_lives_from_upload_to_rollback(http, admin, container, clock, another_node):
    first, second = files.own_json(0.1), files.own_json(2.0)
    uploaded = upload(http, admin, ("first.json", first))
    assert uploaded.status_code == 200, uploaded.json
    assert uploaded.json["model_status"] == {
        "filesUploaded": 1, "totalSize": len(first), "sessionType": "pending_activation",
    }  # fmt: skip
    assert (uploaded.json["success"], uploaded.json["requiresRestart"]) == (True, True)
    one = uploaded.json["sessionId"]
    assert [(s["id"], s["status"], s["isLive"]) for s in sessions(http, admin)] == [
        (one, "uploaded", False)
    ]
    answer = activate(http, admin, one)
    assert answer.json["model_status"] == {"loaded": True, "type": "json"}
    before = container.deciding.scoring.score([ROW])

    two = upload(http, admin, ("second.json", second)).json["sessionId"]
    assert activate(http, admin, two).status_code == 200
    assert another_node.deciding.scoring.score([ROW])[0] != before.values
    clock.advance(timedelta(seconds=3))
    after = container.deciding.scoring.score([ROW])
    assert (after.values, after.version) != (before.values, before.version)

    back = http.post("/api/admin/ml-models/fallback", headers=admin)
    assert back.json["fallbackSessionId"] == one
    clock.advance(timedelta(seconds=3))
    assert container.deciding.scoring.score([ROW]) == before
    listed = {s["id"]: (s["isLive"], s["isFallback"]) for s in sessions(http, admin)}
    assert listed == {one: (True, False), two: (False, True)}
    versions = http.get("/api/admin/ml-models", headers=admin).json["models"]
    live = next(model for model in versions if model["status"] == "live")
    assert live["sha256"] == sha256_of(first)
    assert ModelBytes(container.database, Path("nowhere")).fetch(live["scoredSha256"]) == first


def test_third_activation_archives_the_oldest(http, admin):
    ids = []
    for number in range(3):
        found = upload(http, admin, (f"m{number}.json", files.own_json(0.1 * number)))
        ids.append(found.json["sessionId"])
        activate(http, admin, ids[-1])

    listed = sessions(http, admin, "?history=true")

    assert {s["id"]: s["status"] for s in listed} == {
        ids[0]: "archived", ids[1]: "archived", ids[2]: "active",
    }  # fmt: skip
    assert activate(http, admin, ids[0]).status_code == 409


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("m.onnx", files.onnx_external(), "another file"),
        ("m.onnx", files.onnx_nan(), "NaN"),
        ("m.pkl", pickle.dumps(files.command("true")), "posix.system"),
        ("m.pb", b"x", "not accepted"),
        ("m.onnx", b"\x08\x08:\xff\xff\xff\xff\x0f", "cut off"),
    ],
    ids=["external data", "nan", "os.system", "extension", "cut off"],
)
def test_rejected_upload_leaves_the_live_model_untouched(
    http, admin, container, name, content, part
):
    live = upload(http, admin, ("good.json", files.own_json())).json["sessionId"]
    activate(http, admin, live)
    before = container.deciding.scoring.score([ROW])

    manifest = ("manifest.json", b'{"features": ["age", "losses", "ratio"]}')
    answer = upload(http, admin, (name, content), manifest)

    assert (answer.status_code, answer.json["code"]) == (400, "model_refused")
    assert part in answer.json["error"]
    assert [(s["id"], s["isLive"]) for s in sessions(http, admin)] == [(live, True)]
    assert container.deciding.scoring.score([ROW]) == before


def test_one_bad_file_spoils_its_upload_and_is_recorded(http, admin):
    manifest = b'{"files": {"b.json": {"engine_kind": "price"}}}'
    answer = upload(
        http, admin, ("a.json", files.own_json()), ("b.json", b"{}"), ("manifest.json", manifest)
    )

    assert answer.status_code == 400
    history = sessions(http, admin, "?history=true")
    assert [s["status"] for s in history] == ["rejected"]
    assert "format" in history[0]["rejection"]
    assert sessions(http, admin) == []


def test_same_version_twice_is_409(http, admin):
    manifest = ("manifest.json", b'{"name": "m", "version": "1"}')
    upload(http, admin, ("a.json", files.own_json()), manifest)

    assert upload(http, admin, ("a.json", files.own_json()), manifest).status_code == 409


def test_large_model_travels_in_pieces(http, admin, another_node):
    names = [f"f{number}" for number in range(4000)]
    content = files.own_json(features=names, coefficients=[0.125] * 4000, padding="x" * 2_500_000)

    answer = upload(http, admin, ("big.json", content))
    activate(http, admin, answer.json["sessionId"])

    assert len(content) > 2 * CHUNK_BYTES
    assert another_node.deciding.scoring.score([dict.fromkeys(names, 0.0)])[0] == pytest.approx(
        [0.52497918747894]
    )


def test_damaged_cache_is_replaced(http, admin, container, settings, clock):
    live = upload(http, admin, ("good.json", files.own_json())).json["sessionId"]
    activate(http, admin, live)
    value = container.deciding.scoring.score([ROW])
    artifact = next(settings.ml_models_dir.glob("*/*/artifact"))
    artifact.write_bytes(b"{}")
    os.kill(_worker_pid(container), signal.SIGKILL)

    fresh = build_container(settings, clock, container.database)

    assert fresh.deciding.scoring.score([ROW]) == value
    assert artifact.read_bytes() == files.own_json()


def _worker_pid(container) -> int:
    return container.deciding.scoring._scorer.status()["worker_pid"]


def test_missing_or_broken_feature_is_an_error(http, admin, container):
    live = upload(http, admin, ("good.json", files.own_json())).json["sessionId"]
    activate(http, admin, live)

    with pytest.raises(BadFeatures, match="needs the feature 'age'"):
        container.deciding.scoring.score([{"losses": 1.0}])


def test_unknown_session_and_missing_fallback_are_404(http, admin):
    assert activate(http, admin, "nobody").status_code == 404
    assert http.post("/api/admin/ml-models/fallback", headers=admin).status_code == 404


def test_missing_session_and_missing_files_are_400(http, admin):
    assert http.post("/api/admin/ml-models/activate", json={}, headers=admin).status_code == 400
    assert upload(http, admin).status_code == 400


def test_engine_upload_is_403_until_it_is_allowed(http, admin, container, settings):
    answer = http.post("/api/admin/decision-engine/upload", data={}, headers=admin)

    assert answer.status_code == 403
    assert "ALLOW_ENGINE_UPLOAD" in answer.json["error"]


def test_upload_above_100_mb_is_413_in_json(http, admin):
    headers = {**admin, "Content-Type": "multipart/form-data; boundary=x"}
    answer = http.post(
        "/api/admin/ml-models/upload",
        headers=headers,
        environ_overrides={"CONTENT_LENGTH": str(101 * 1024 * 1024)},
    )

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_upload_and_activate(http, door, role):
    headers = door.operator_headers(role)

    assert upload(http, headers, ("a.json", files.own_json())).status_code == 403
    assert activate(http, headers, "x").status_code == 403
    assert http.get("/api/admin/ml-models/sessions", headers=headers).status_code == 200


def test_browser_session_may_upload_from_our_own_pages_only(http, door):
    http.set_cookie("spot_optimizer_session", door.session_cookie())

    assert upload(http, {}, ("a.json", files.own_json())).status_code == 403
    assert upload(http, OWN_PAGE, ("a.json", files.own_json())).status_code == 200


def test_upload_without_scorer_is_503(settings, clock, database, door, admin, tmp_path):
    lonely = settings.model_copy(update={"local_dir": tmp_path / "lonely"})
    http = create_app(build_container(lonely, clock, database)).test_client()

    assert upload(http, admin, ("a.json", files.own_json())).status_code == 503


def test_health_shows_each_layer(settings, database):
    health = build_container(settings, SystemClock(), database).health.check()

    assert health.parts["scorer"].is_ok
    assert {name for name in health.parts if name.startswith("sandbox_")} == {
        "sandbox_namespaces", "sandbox_root", "sandbox_landlock", "sandbox_user",
        "sandbox_limits", "sandbox_seccomp",
    }  # fmt: skip


def test_engine_decides_with_the_live_model_and_says_which(http, admin, container):
    wanted = ["price_ratio", "log_age_hours", "decayed_losses"]  # by the names that serving knows
    model = files.own_json(-4.0, wanted, coefficients=[2.0, -0.5, 0.3])
    live = upload(http, admin, ("hazard.json", model)).json["sessionId"]
    (agent,) = make_fleet(container.database, make_market(container.database))
    container.deciding.decisions.decide_fleet(now=START)
    activate(http, admin, live)
    container.deciding.decisions.decide_fleet(now=START + timedelta(minutes=5))

    first, second = logged(container.database, agent)
    assert (first["source"], first["fallback_cause"]) == ("fallback", "No hazard model is live")
    assert (second["source"], second["fallback_cause"]) == ("engine", None)
    assert second["model_version"]
