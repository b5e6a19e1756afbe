"""How a process of this node speaks to the scorer: a few kept connections, one breaker."""

import socket
import threading
from collections import deque
from pathlib import Path
from typing import Any, Final

from backend.engines.breaker import Breaker
from backend.engines.errors import (
    ModelRefused,
    ScorerUnavailable,
    ScoringFailed,
    UnknownModel,
)
from backend.engines.sandbox import frames
from backend.engines.sandbox.frames import Broken, Head
from backend.engines.sandbox.streams import SocketStream
from backend.errors import LimitReached, SpotOptimizerError

SLOW_SECONDS: Final = 90.0  # a verification may wait for another one, and for a start
SCORE_SECONDS: Final = 3.0
STATUS_SECONDS: Final = 1.0
_ERRORS: Final[dict[str, type[SpotOptimizerError]]] = {
    kind.code: kind
    for kind in (ModelRefused, ScoringFailed, UnknownModel, ScorerUnavailable, LimitReached)
}


class ScorerClient:
    """Asks the scorer. Thread-safe."""

    def __init__(self, path: Path, breaker: Breaker) -> None:
        self._path = path
        self._breaker = breaker
        self._idle: deque[socket.socket] = deque()
        self._lock = threading.Lock()

    def status(self) -> Head:
        """Return the layers and the state of the confined process; not behind the breaker.

        Raises:
            ScorerUnavailable: nobody answers.
        """
        return self._ask({"op": "status"}, b"", STATUS_SECONDS)[0]

    def verify(
        self, file_format: str, content: bytes, manifest: dict[str, Any]
    ) -> tuple[Head, bytes]:
        """Have a model read, converted and scored in a sandbox of its own.

        Raises:
            ModelRefused: with the reason.
            ScorerUnavailable: there is no scorer.
            LimitReached: too many verifications at once.
        """
        head = {"op": "verify", "format": file_format, "manifest": manifest}
        answer, converted = self._ask(head, content, SLOW_SECONDS, ended=ModelRefused)
        return answer, converted

    def load(self, model: str, file_format: str, content: bytes, manifest: dict[str, Any]) -> None:
        """Have the live worker load a model under a name.

        Raises:
            ModelRefused: it does not load, or does not repeat its golden values.
            ScorerUnavailable: there is no scorer.
        """
        head = {"op": "load", "model": model, "format": file_format, "manifest": manifest}
        self._guarded(head, content, SLOW_SECONDS)

    def score(self, model: str, rows: list[list[float]]) -> list[float]:
        """Score rows with a loaded model.

        Raises:
            UnknownModel: it is not loaded (any more): load it and ask again.
            ScoringFailed: its answer is of no use.
            ScorerUnavailable: there is no scorer, or the breaker is open.
        """
        head = {"op": "score", "model": model, "rows": rows}
        values = self._guarded(head, b"", SCORE_SECONDS)["values"]
        return [float(value) for value in values]

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _guarded(self, head: Head, body: bytes, seconds: float) -> Head:
        self._breaker.check()
        try:
            answer, _ = self._ask(head, body, seconds)
        except UnknownModel:
            raise
        except SpotOptimizerError:
            self._breaker.note_failure()
            raise
        self._breaker.note_success()
        return answer

    def _ask(
        self,
        head: Head,
        body: bytes,
        seconds: float,
        ended: type[SpotOptimizerError] = ScorerUnavailable,
    ) -> tuple[Head, bytes]:
        connection = self._connection(seconds)
        try:
            stream = SocketStream(connection)
            frames.send(stream, head, body)
            answer, content = frames.receive(stream)
        except (Broken, OSError) as error:
            connection.close()
            raise ScorerUnavailable(f"The scorer does not answer: {error}") from error
        self._idle.append(connection)
        if not answer.get("ok"):
            raise _as_error(answer, ended)
        return answer, content

    def _connection(self, seconds: float) -> socket.socket:
        connection = self._kept() or self._connected()
        connection.settimeout(seconds)
        return connection

    def _kept(self) -> socket.socket | None:
        """Return a kept connection; when the scorer has closed one, all of them are of no use."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return None
        if not _is_closed(connection):
            return connection
        connection.close()
        self.close()
        return None

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(STATUS_SECONDS)
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise ScorerUnavailable("The scorer of this node is not running") from error
        return connection


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection on which nothing should be waiting."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _as_error(answer: Head, ended: type[SpotOptimizerError]) -> SpotOptimizerError:
    code, sentence = str(answer.get("code")), str(answer.get("error"))[:1000]
    if code == "scorer_ended":
        if ended is ModelRefused:
            return ModelRefused(f"The model is refused: it ended the sandbox. {sentence}")
        return ended(sentence)
    return _ERRORS.get(code, ScoringFailed)(sentence)
