"""``python -m backend migrate``: what people see, and the exit status that scripts see."""

import pytest
from click.testing import CliRunner

from backend.cli.migrate import migrate
from backend.config import load_settings
from backend.db.local_server import LocalServer
from backend.db.open import local_server
from backend.db.schema_file import render
from backend.db.sources import read_sources
from tests.database import copy_template, private_server
from tests.integration.db.asking import ask_at

pytestmark = pytest.mark.db


@pytest.fixture
def local_dir(tmp_path, monkeypatch):
    """A LOCAL_DIR with a migrated private database that does not run."""
    monkeypatch.chdir(tmp_path)
    copy_template(tmp_path / "local" / "mysql")
    yield tmp_path / "local"
    LocalServer(tmp_path / "local" / "mysql").stop(even_if_shared=True)


@pytest.fixture
def run(local_dir, monkeypatch):
    # The process's logging belongs to pytest; a command would take it over for good.
    monkeypatch.setattr("backend.cli.migrate.configure_logging", lambda *_: None)

    def run(*words):
        environment = {"LOCAL_DIR": str(local_dir), "DB_HOST": "", "SECRET_KEY": "only-for-tests"}
        return CliRunner(env=environment).invoke(migrate, words)

    return run


@pytest.fixture
def server(local_dir):
    """The private server of that folder, running."""
    server = private_server(local_dir / "mysql")
    server.start()
    yield server
    server.stop(even_if_shared=True)


def test_check_is_content_and_leaves_no_server_when_all_is_applied(run, local_dir):
    result = run("check")

    assert (result.exit_code, result.output) == (0, "The database is as the files say\n")
    assert not LocalServer(local_dir / "mysql").is_running()


def test_up_says_what_it_did_and_then_that_nothing_is_left(run, server):
    ask_at(server.address, "DROP PROCEDURE sync_agent")

    first, second = run("up"), run("up")

    assert (first.exit_code, first.output) == (
        0,
        "procedure sync_agent: replaced\n1 changes made\n",
    )
    assert (second.exit_code, second.output) == (0, "The schema is up to date\n")
    assert server.is_running()  # it was running before, so it runs on


def test_check_fails_and_names_what_differs(run, server):
    ask_at(server.address, "DROP PROCEDURE sync_agent")
    ask_at(server.address, "UPDATE schema_migrations SET checksum = 'x' WHERE name LIKE '0002%'")

    result = run("check")

    assert result.exit_code == 1
    assert "procedure sync_agent: missing" in result.output
    assert "migration 0002_create_fleet: edited" in result.output


def test_status_lists_everything(run):
    result = run("status")

    sources = read_sources()
    assert result.exit_code == 0
    for item in (*sources.migrations, *sources.objects):
        (line,) = (line for line in result.output.splitlines() if f" {item.name} " in line)
        assert "applied" in line


def test_schema_is_written_and_checked(run, tmp_path):
    output = tmp_path / "schema.sql"

    missing = run("schema", "--check", "--output", str(output))
    written = run("schema", "--output", str(output))
    checked = run("schema", "--check", "--output", str(output))

    assert (missing.exit_code, written.exit_code, checked.exit_code) == (1, 0, 0)
    assert output.read_text() == render(read_sources())


def test_private_server_has_the_names_of_the_settings(tmp_path):
    values = {"LOCAL_DIR": str(tmp_path), "DB_NAME": "fleet", "SECRET_KEY": "only-for-tests"}
    server = local_server(load_settings(values, None))
    server.folder.data.mkdir(parents=True)

    assert (server.address.name, server.address.user) == ("fleet", "spot_optimizer")
    assert server.folder.path == tmp_path / "mysql"
