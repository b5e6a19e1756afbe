"""The broker's end of a confined worker: start it, ask it, end it when it takes too long."""

import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from backend.engines.errors import ScorerUnavailable
from backend.engines.sandbox import frames
from backend.engines.sandbox.confinement import Limits
from backend.engines.sandbox.frames import Broken, Head
from backend.engines.sandbox.streams import SocketStream

START_SECONDS: Final = 30.0
_ROOT: Final = str(Path(__file__).resolve().parents[3])
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from backend.engines.sandbox.worker import main; main(sys.argv[1:])"
)


class WorkerGone(ScorerUnavailable):
    """The confined process ended, or was ended because it took too long."""

    code = "scorer_ended"


class WorkerLink:
    """One confined process. Not thread-safe: one request at a time."""

    def __init__(self, limits: Limits) -> None:
        """Start the process and wait until it is confined.

        Raises:
            WorkerGone: it could not be started.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="spot-scorer-"))
        self._folder.chmod(0o555)
        self._pipe, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [
                    sys.executable, "-I", "-B", "-c", _PROGRAM.format(root=_ROOT),
                    str(self._folder), str(limits.memory_bytes), str(limits.cpu_seconds or 0),
                    str(theirs.fileno()),
                ],
                env={},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        self._stream = SocketStream(self._pipe)
        self.layers: dict[str, Any] = self._receive(START_SECONDS)[0].get("layers", {})

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, head: Head, body: bytes, seconds: float) -> tuple[Head, bytes]:
        """Send a request and wait for its answer; a process that takes longer is killed.

        Raises:
            WorkerGone: it ended or was ended. Nothing more can be asked of this link.
        """
        self._pipe.settimeout(seconds)
        try:
            frames.send(self._stream, head, body)
        except OSError as error:
            self.close()
            raise WorkerGone(f"The confined process does not listen: {error}") from error
        return self._receive(seconds)

    def close(self) -> None:
        """End the process. Idempotent."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _receive(self, seconds: float) -> tuple[Head, bytes]:
        self._pipe.settimeout(seconds)
        try:
            return frames.receive(self._stream)
        except TimeoutError as error:
            self.close()
            raise WorkerGone(f"No answer within {seconds:g} s; the process was ended") from error
        except (Broken, OSError) as error:
            status = self._ended_with()
            self.close()
            raise WorkerGone(f"The confined process ended {status}") from error

    def _ended_with(self) -> str:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "its connection"
        return f"by signal {-status}" if status < 0 else f"with status {status}"
