"""The network between agents and backend: it can be cut, and it can repeat and delay messages."""

import http.client
import threading
from random import Random
from urllib.parse import urlsplit

from simulator.chance import stream
from simulator.errors import AnswerLost
from simulator.loopback import HOST, LoopbackServers, Request, Response

SECONDS = 30.0  # longer than any agent waits
_HOP = frozenset({"host", "connection", "content-length", "accept-encoding", "transfer-encoding"})
_KEPT = ("Retry-After", "X-Request-Id")


class Network:
    """A relay on a loopback port. What it lets through it does not change."""

    def __init__(self, backend_url: str, seed: int) -> None:
        """Relay everything, undisturbed at first."""
        self._backend = urlsplit(backend_url).netloc
        self._chance: Random = stream(seed, "network")
        self._servers = LoopbackServers()
        self._port = self._servers.open(self._relay)
        self._lock = threading.Lock()
        self._cut_off: set[str] = set()  # instances; "*" is everybody
        self._repeat_share = 0.0
        self._longest_delay = 0.0
        self._late: set[threading.Timer] = set()
        self.repeated = 0
        self.answers_to_repeats: dict[int, int] = {}  # status: count

    @property
    def url(self) -> str:
        """What agents take for the backend."""
        return f"http://{HOST}:{self._port}"

    def cut(self, *instance_ids: str) -> None:
        """Let nothing through to or from these instances; of nobody in particular: of everybody."""
        with self._lock:
            self._cut_off |= set(instance_ids) or {"*"}

    def mend(self) -> None:
        """Let everything through again."""
        with self._lock:
            self._cut_off.clear()

    def disturb(self, *, repeat_share: float, longest_delay: float) -> None:
        """Send a share of the messages a second time, up to so many seconds later.

        What comes late has been overtaken by what was sent after it.
        """
        with self._lock:
            self._repeat_share, self._longest_delay = repeat_share, longest_delay

    def stop(self) -> None:
        """Stop relaying. Idempotent."""
        with self._lock:
            late, self._repeat_share = list(self._late), 0.0
        for timer in late:
            timer.cancel()
        self._servers.stop()

    def _relay(self, request: Request) -> Response:
        sender = request.header("X-Instance-Id")
        with self._lock:
            if self._cut_off & {"*", sender}:
                raise AnswerLost(request.path)
            is_repeated = request.method != "GET" and self._chance.random() < self._repeat_share
            delay = self._chance.uniform(0.0, self._longest_delay)
        response = self._pass_on(request)
        if is_repeated:
            self._send_later(request, delay)
        with self._lock:
            if self._cut_off & {"*", sender}:
                raise AnswerLost(request.path)
        return response

    def _send_later(self, request: Request, delay: float) -> None:
        timer = threading.Timer(delay, lambda: self._repeat(request, timer))
        timer.daemon = True
        with self._lock:
            self._late.add(timer)
        timer.start()

    def _repeat(self, request: Request, timer: threading.Timer) -> None:
        try:
            status = self._pass_on(request).status
        except AnswerLost:
            status = 0
        with self._lock:
            self._late.discard(timer)
            self.repeated += 1
            self.answers_to_repeats[status] = self.answers_to_repeats.get(status, 0) + 1

    def _pass_on(self, request: Request) -> Response:
        connection = http.client.HTTPConnection(self._backend, timeout=SECONDS)
        target = request.path + (f"?{request.query}" if request.query else "")
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _HOP
        }
        try:
            connection.request(request.method, target, request.body or None, headers)
            answer = connection.getresponse()
            kept = {name: value for name in _KEPT if (value := answer.getheader(name))}
            kind = answer.getheader("Content-Type", "application/json")
            return Response(answer.status, answer.read(), kind, kept)
        except (OSError, http.client.HTTPException) as error:
            raise AnswerLost(request.path) from error  # nobody is there: so it looks from outside
        finally:
            connection.close()
