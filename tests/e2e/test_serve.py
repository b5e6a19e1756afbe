"""``serve`` as its users run it: real processes, real database, real signals.

The tests share one product and run in this order; each leaves it running.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backend.services.first_operator import FILE_NAME
from tests.e2e.processes import kill_all, parent_of, processes_of, wait_until
from tests.meta import house

pytestmark = pytest.mark.e2e

START_SECONDS = 40
RECOVERY_SECONDS = 20
WHOLE = {"master": 1, "worker": 2, "jobs": 1, "database": 1}  # processes of each kind


class Product:
    """One folder with a ``serve`` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = folder / "local"
        self.port = free_port()
        self.output = folder / "output.txt"
        self.process: subprocess.Popen | None = None

    def start(self, **over: str) -> None:
        """Start and wait until it says that it runs."""
        self.spawn(**over)
        wait_until(
            lambda: "is running" in self.said() or self.process.poll() is not None,
            START_SECONDS,
            "it runs",
        )
        assert self.process.poll() is None, self.said()

    def spawn(self, **over: str) -> subprocess.Popen:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backend", "serve"],
                cwd=self.folder,  # no .env here
                env=self.environment(**over),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def environment(self, **over: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "PYTHONPATH": str(house.ROOT),
            "LOCAL_DIR": str(self.local),
            "PORT": str(self.port),
            "LOG_FORMAT": "plain",
        } | over

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def is_ready(self) -> bool:
        return get(self.port, "/health/ready") == 200

    def processes(self) -> dict[int, str]:
        return processes_of(str(self.local))

    def pids(self, kind: str) -> set[int]:
        """Process ids of the web server's ``master`` and ``worker``s, of ``jobs`` ..."""
        found = self.processes()
        web = {pid for pid, command in found.items() if "-m granian" in command}
        masters = {pid for pid in web if parent_of(pid) not in web}
        return {
            "master": masters,
            "worker": web - masters,
            "guardian": {pid for pid, command in found.items() if "guardian.py" in command},
            "jobs": {pid for pid, command in found.items() if "-m backend jobs" in command},
            "database": {pid for pid, command in found.items() if "--datadir" in command},
        }[kind]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def get(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


@pytest.fixture(scope="module")
def product():
    with tempfile.TemporaryDirectory(prefix="spot-serve-") as folder:
        product = Product(Path(folder))
        product.start()
        yield product
        kill_all(folder)
        product.process.wait(10)


@pytest.fixture
def other(product):
    """Another installation on this machine, not started."""
    with tempfile.TemporaryDirectory(prefix="spot-serve-") as folder:
        yield Product(Path(folder))
        kill_all(folder)


def test_serve_starts_from_nothing_and_tells_where_and_how_to_sign_in(product):
    said = product.said()
    address = re.search(r"is running: (\S+)", said).group(1)
    name, password = re.search(r"Sign in as '(\w+)' with the password (\S+)", said).groups()
    kept = (product.local / FILE_NAME).read_text()

    assert address == f"http://127.0.0.1:{product.port}"
    assert product.is_ready()
    assert kept == f"username: {name}\npassword: {password}\n"
    assert {kind: len(product.pids(kind)) for kind in WHOLE} == WHOLE


def test_second_serve_on_one_folder_is_refused_with_a_sentence(product):
    done = refused(product, PORT=str(free_port()))

    assert done.returncode == 1
    assert f"Another serve (process {product.process.pid}) is using" in done.stderr
    assert "LOCAL_DIR" in done.stderr
    assert product.is_ready()


def test_serve_on_a_taken_port_is_refused_with_a_sentence(product, other):
    done = refused(other, PORT=str(product.port))

    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {product.port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert other.processes() == {}


def test_serve_with_a_wrong_setting_is_refused_with_its_name_and_range(other):
    done = refused(other, PORT="70000")

    assert done.returncode == 2
    assert "PORT" in done.stderr
    assert "65535" in done.stderr


def refused(installation: Product, **over: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "backend", "serve"],
        cwd=installation.folder,
        env=installation.environment(**over),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("kind", ["worker", "master", "jobs", "database"])
def test_serve_mends_itself_when_a_process_is_killed(product, kind):
    before = product.pids(kind)
    os.kill(min(before), signal.SIGKILL)

    def is_mended() -> bool:
        now = {name: product.pids(name) for name in WHOLE}
        is_whole = {name: len(pids) for name, pids in now.items()} == WHOLE
        return is_whole and min(before) not in now[kind] and product.is_ready()

    wait_until(is_mended, RECOVERY_SECONDS, f"a new {kind} process, and all is well")


def test_nothing_outlives_a_killed_serve_and_it_starts_again(product):
    product.process.kill()
    product.process.wait(10)
    wait_until(lambda: not product.processes(), RECOVERY_SECONDS, "no process is left")

    product.start(ENABLE_BACKGROUND_JOBS="false")

    assert product.is_ready()
    assert product.pids("jobs") == set()
    assert "Sign in with the first operator's password, in" in product.said()


def test_serve_can_be_started_at_once_after_it_was_killed(product):
    product.process.kill()
    product.process.wait(10)
    product.start()

    assert product.is_ready()
    wait_until(lambda: len(product.pids("jobs")) == 1, RECOVERY_SECONDS, "its own jobs process")
    wait_until(lambda: len(product.pids("guardian")) == 1, RECOVERY_SECONDS, "the old one is gone")
    assert len(product.pids("master")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stops_cleanly_although_a_client_keeps_its_connection(product, number):
    if product.process.poll() is not None:
        product.start()
    with socket.create_connection(("127.0.0.1", product.port)):
        product.process.send_signal(number)
        status = product.process.wait(RECOVERY_SECONDS)

    assert status == 0
    assert product.processes() == {}
    assert "Stopping" in product.said()
    assert "killed" not in product.said()
