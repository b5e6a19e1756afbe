"""``python backend/backend.py`` works from any folder."""

import subprocess
import sys

import pytest

from tests.meta.house import ROOT


@pytest.fixture
def trap(tmp_path):
    """A folder with a package of the same name, which must not be taken."""
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__init__.py").write_text("raise SystemExit('wrong package')")
    return tmp_path


@pytest.fixture(params=["checkout", "its backend folder", "somewhere else"])
def folder(request, trap):
    return {"checkout": ROOT, "its backend folder": ROOT / "backend"}.get(request.param, trap)


def test_thin_entry_serves_from_any_folder(folder):
    done = subprocess.run(
        [sys.executable, str(ROOT / "backend" / "backend.py"), "--help"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "Start database, web server and jobs" in done.stdout


def test_command_line_lists_its_commands_without_importing_them():
    code = (
        "import sys; from backend.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print([m for m in sys.modules if m.startswith(('flask', 'mysql'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "doctor" in done.stdout
    assert done.stdout.rstrip().endswith("[]")
