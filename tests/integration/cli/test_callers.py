"""``client`` and ``operator`` at the command line, as processes of their own."""

import os
import re
import subprocess
import sys

import pytest

from backend.app import create_app
from backend.bootstrap import build_container
from backend.config import load_settings
from tests.api.rows import rows
from tests.meta.house import ROOT


@pytest.fixture
def run(database_server, database):
    """Run a command against the test's private server, which it adopts and leaves running."""
    local_dir = database_server.folder.path.parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DB_")}
    environment |= {"LOCAL_DIR": str(local_dir), "SECRET_KEY": "s" * 20, "COLUMNS": "200"}

    def run_it(*arguments, text=""):
        return subprocess.run(
            [sys.executable, "-m", "backend", *arguments],
            cwd=ROOT, env=environment, input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run_it


@pytest.fixture
def http(database, clock, tmp_path):
    settings = load_settings({"SECRET_KEY": "s" * 20, "LOCAL_DIR": str(tmp_path)}, None)
    return create_app(build_container(settings, clock, database)).test_client()


def _login(http, name, password):
    return http.post("/api/auth/login", json={"username": name, "password": password}).status_code


def test_made_client_has_a_token_that_works(run, http, database):
    done = run("client", "create", " Acme ", "--email", "a@acme.example", "--scope", "agent")

    token = re.search(r"token-\w{32}", done.stdout)[0]
    answer = http.get("/api/client/validate", headers={"Authorization": f"Bearer {token}"})
    assert (done.returncode, done.stderr) == (0, "")
    assert (answer.json["name"], answer.json["scope"]) == ("Acme", "agent")
    assert "Acme" in run("client", "list").stdout
    (entry,) = rows(database, "SELECT actor_type, action FROM audit_logs")
    assert entry == {"actor_type": "cli", "action": "client_created"}


def test_token_of_a_client_by_name_is_made_listed_and_revoked(run, http):
    run("client", "create", "Acme")
    made = run("client", "token", "create", "Acme", "--name", "web", "--scope", "user")
    token = re.search(r"token-\w{32}", made.stdout)[0]
    token_id = re.search(r"web was made: (\S+)", made.stdout)[1]
    headers = {"Authorization": f"Bearer {token}"}
    before = http.get("/api/client/validate", headers=headers).status_code

    revoked = run("client", "token", "revoke", "Acme", token_id)

    assert (before, revoked.returncode) == (200, 0)
    listed = run("client", "token", "list", "Acme").stdout
    assert token_id in listed
    assert token not in listed


def test_operators_password_is_made_asked_and_replaced(run, http):
    made = run("operator", "create", "eve", "--role", "viewer")
    first = re.search(r"shown only now\): (\S+)", made.stdout)[1]
    signed_in = _login(http, "eve", first)

    reset = run("operator", "reset-password", "eve", "--ask", text="new secret 1\nnew secret 1\n")

    assert (signed_in, reset.returncode) == (200, 0)
    assert "new secret 1" not in reset.stdout
    assert _login(http, "eve", first) == 401
    assert _login(http, "eve", "new secret 1") == 200
    assert "viewer" in run("operator", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("client", "create", "  "), 2, "printable"),
        (("client", "create", "x", "--scope", "all"), 2, "scope"),
        (("client", "token", "revoke", "nobody", "t"), 1, "There is no such client"),
        (("operator", "create", "a b", "--role", "viewer"), 1, "letters, digits"),
        (("operator", "create", "eve"), 2, "--role"),
        (("operator", "reset-password", "nobody"), 1, "There is no such operator"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_wrong_use_ends_with_a_sentence(run, arguments, status, sentence):
    done = run(*arguments)

    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_name_ends_with_a_sentence(run):
    run("client", "create", "Acme")

    done = run("client", "create", "Acme")

    assert (done.returncode, done.stdout) == (1, "")
    assert "exists already" in done.stderr
