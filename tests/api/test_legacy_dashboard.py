"""An older, built dashboard: for operators only, nothing but its own files, and data beside it."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.bootstrap import build_container
from backend.config import load_settings
from backend.errors import ConfigError
from backend.services.callers import Role
from tests.api.people import OWN_PAGE, Door

PAGE = '<!doctype html><script type="module" src="/assets/index-1a2b.js"></script>'


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "logo.svg").write_text("<svg/>")
    (folder / ".env").write_text("SECRET=1")
    (folder / "assets" / "index-1a2b.js").write_text("fetch('/api/admin/stats')")
    (folder / "assets" / "dashboard.css").write_text("theirs")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def served(build: Path, tmp_path: Path, clock, database) -> tuple[FlaskClient, Door]:
    values = {"LOCAL_DIR": str(tmp_path / "local"), "LEGACY_DASHBOARD_DIR": str(build)}
    settings = load_settings({"SECRET_KEY": "only-for-these-tests", **values}, None)
    container = build_container(settings, clock, database)
    return create_app(container).test_client(), Door(container)


@pytest.fixture
def viewer(served) -> FlaskClient:
    """A browser in which an operator is signed in."""
    http, door = served
    http.set_cookie("spot_optimizer_session", door.session_cookie(Role.VIEWER))
    return http


def test_build_is_hidden_when_nobody_is_signed_in(served):
    for path in ("/legacy/", "/legacy/logo.svg", "/assets/index-1a2b.js"):
        answer = served[0].get(path)

        assert (answer.status_code, answer.headers["Location"]) == (302, "/login")


def test_build_is_hidden_from_clients(served):
    http, door = served

    assert http.get("/legacy/", headers=door.client_headers()).status_code == 403


def test_page_is_sent_for_every_address_of_its_router(viewer):
    for path in ("/legacy/", "/legacy/clients", "/legacy/clients/7/agents"):
        with viewer.get(path) as answer:
            assert (answer.status_code, answer.text, answer.mimetype) == (200, PAGE, "text/html")
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        known = {"If-None-Match": answer.headers["ETag"]}
        with viewer.get(path, headers=known) as again:
            assert again.status_code == 304


def test_files_named_by_their_content_are_kept_by_browsers(viewer):
    for prefix in ("", "/legacy"):
        with viewer.get(f"{prefix}/assets/index-1a2b.js") as answer:
            assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"


OUTSIDE = [
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "assets/../../secret.txt",
    "..\\secret.txt", "%00", "logo.svg%00", ".env", "assets/.hidden", "//etc/passwd",
    "link.txt", "missing.js", "assets/missing", "a/" * 900 + "x.js",
]  # fmt: skip


def test_nothing_else_is_sent(viewer):
    for name in OUTSIDE:
        answer = viewer.get(f"/legacy/{name}")

        assert answer.status_code in (308, 404), name  # 308: two slashes become one
        assert "secret" not in answer.text.lower()


def test_api_and_own_files_stay_ours(viewer, build):
    assert viewer.get("/api/nothing").json["code"] == "not_found"
    assert viewer.get("/api/admin/stats").status_code == 200
    with viewer.get("/assets/dashboard.css") as own:
        assert "theirs" not in own.text
    with viewer.get("/legacy/assets/dashboard.css") as theirs:
        assert theirs.text == "theirs"


def test_build_acts_with_the_session_from_its_own_origin_only(served):
    http, door = served
    http.set_cookie("spot_optimizer_session", door.session_cookie(Role.OPERATOR))
    path = "/api/notifications/mark-all-read"

    own = http.post(path, json={"client_id": None}, headers=OWN_PAGE)
    foreign = http.post(path, json={}, headers={"Sec-Fetch-Site": "cross-site"})

    assert (own.status_code, foreign.status_code) == (200, 403)


def test_folder_without_a_build_is_refused(tmp_path, clock, database):
    settings = load_settings({"SECRET_KEY": "x" * 20, "LEGACY_DASHBOARD_DIR": str(tmp_path)}, None)

    with pytest.raises(ConfigError, match="LEGACY_DASHBOARD_DIR"):
        create_app(build_container(settings, clock, database))
