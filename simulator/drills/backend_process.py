"""A backend of our own: its own folder, database and port. It can be killed and started again."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from simulator.drills.books import private_environment
from simulator.errors import SimulatorError
from simulator.json_http import ApiAway, call
from simulator.machines import tether
from simulator.machines.room import PROJECT

READY_SECONDS = 90.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.1
_CLIENT = re.compile(r"was made: (\S+)")
_TOKEN = re.compile(r"Token \(shown only now\): (\S+)")
_LOGIN = re.compile(r"Sign in as .*")


class ClientLogin(NamedTuple):
    """A tenant of the backend, and what its agents and users present."""

    client_id: str
    token: str


class BackendProcess:
    """``python -m backend serve`` and its children. It dies with the thread that starts it."""

    def __init__(
        self, folder: Path, overrides: dict[str, str] | None = None, port: int = 0
    ) -> None:
        """Start nothing yet; all files go below ``folder``."""
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {**private_environment(folder / "local", self.port), **(overrides or {})}
        self.log = folder / "backend.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = threading.Event()  # never set: an interruptible sleep

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the backend's programs: nothing of ours but the path."""
        base = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        return {**base, "PYTHONPATH": str(PROJECT), **self.settings}

    def start(self) -> None:
        """Start it and wait until it takes requests.

        Raises:
            SimulatorError: it does not come up; the sentence names its log.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [
                    *(sys.executable, "-I", "-S", tether.__file__, str(os.getpid())),
                    *(sys.executable, "-m", "backend", "serve"),
                ],
                env=self.environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready()

    def create_client(self, name: str) -> ClientLogin:
        """Make a tenant through the command line, as an operator does.

        Raises:
            SimulatorError: the command failed.
        """
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "backend", "client", "create", name],
            env=self.environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        client, token = _CLIENT.search(done.stdout), _TOKEN.search(done.stdout)
        if client is None or token is None:
            msg = f"the backend made no client: {done.stderr.strip() or done.stdout.strip()}"
            raise SimulatorError(msg)
        return ClientLogin(client[1], token[1])

    def login_sentence(self) -> str:
        """Return the sentence with the first operator's login, "" when none was printed."""
        found = _LOGIN.search(self.log.read_text(encoding="utf-8", errors="replace"))
        return found[0] if found else ""

    def kill_everything(self) -> None:
        """SIGKILL the main process; what it leaves behind ends by itself."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill_a_child(self) -> bool:
        """SIGKILL the web server; the main process starts it again. Return whether one was found."""
        found = [pid for pid, line in self._children() if "granian" in line]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return bool(found)

    def stop(self) -> None:
        """Stop it as Ctrl-C does. Idempotent."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_ready(self) -> None:
        waited = 0.0
        while waited < READY_SECONDS:
            if self._process is None or self._process.poll() is not None:
                break
            if self._is_ready():
                return
            self._pause.wait(LOOK_SECONDS)
            waited += LOOK_SECONDS
        self.kill_everything()
        msg = f"the backend does not come up; see {self.log}"
        raise SimulatorError(msg)

    def _is_ready(self) -> bool:
        try:
            return call(f"{self.url}/health/ready").status == 200  # noqa: PLR2004 - HTTP
        except ApiAway:
            return False

    def _children(self) -> list[tuple[int, str]]:
        """Return process id and command line of the main process's children."""
        if self._process is None:
            return []
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        found = []
        for word in listed.read_text(encoding="ascii").split():
            try:
                line = Path(f"/proc/{word}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue  # it has just ended
            found.append((int(word), line))
        return found


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
