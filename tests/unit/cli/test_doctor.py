import json
import socket

import pytest
from click.testing import CliRunner

from backend.cli.doctor import doctor


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the doctor in an empty folder, where nothing was ever set up."""
    monkeypatch.chdir(tmp_path)
    for name in ("DB_HOST", "DB_PORT", "LOCAL_DIR", "FLASK_ENV", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    port = str(_free_port())

    def call(*arguments: str, **environ: str):
        return CliRunner(env={"PORT": port, **environ}).invoke(doctor, arguments)

    return call


def test_doctor_finds_no_problem_when_nothing_is_set_up(run, tmp_path):
    result = run("--json")

    found = _by_name(result.output)
    assert result.exit_code == 0
    assert found["database"]["verdict"] == "warning"
    assert "make run" in found["database"]["remedy"]
    assert list(tmp_path.iterdir()) == []


def test_doctor_fails_when_the_named_database_does_not_answer(run):
    result = run("--json", DB_HOST="127.0.0.1", DB_PORT=str(_free_port()))

    database = _by_name(result.output)["database"]
    assert result.exit_code == 1
    assert database["verdict"] == "problem"
    assert "nobody answers" in database["meaning"]


def test_doctor_goes_on_when_the_settings_cannot_be_used(run):
    result = run("--json", FLASK_ENV="production")

    found = _by_name(result.output)
    assert result.exit_code == 1
    assert found["settings"]["verdict"] == "problem"
    assert "SECRET_KEY" in found["settings"]["meaning"]
    assert "disk" in found


def test_doctor_speaks_plainly_when_a_person_asks(run, tmp_path):
    (tmp_path / ".env").write_text("DB_PASWORD=hunter2\n")

    output = run().output

    assert "DB_PASWORD (did you mean DB_PASSWORD?)" in output
    assert "hunter2" not in output
    assert output.rstrip().endswith("It works, with warnings.")


def _by_name(output: str) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in json.loads(output)["findings"]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
