"""The operator's login in front: HTTP Basic in, the client's token out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from urllib.parse import urlsplit

import h11

from agent.clock import Clock
from agent.proxy.errors import Refused
from agent.proxy.metrics import Metrics
from agent.proxy.rules import header
from agent.proxy.settings import Login

_TRIES, _WINDOW_SECONDS = 5, 60.0
_MOST_CALLERS = 1_000
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Spot Optimizer", charset="UTF-8"'}
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_OWN_SITE = frozenset({b"same-origin", b"none"})


class Gate:
    """Lets in who typed the right name and password, and whoever brings a token of his own."""

    def __init__(self, login: Login, metrics: Metrics, clock: Clock) -> None:
        self._digest = _digest(f"{login.user}:{login.password.reveal()}".encode())
        self._bearer = f"Bearer {login.token.reveal()}".encode("ascii")
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, list[float]] = {}

    def authorization(self, request: h11.Request, caller: str) -> bytes | None:
        """Return the header that the backend gets; None leaves the caller's own bearer token.

        Raises:
            Refused: 401 without a good login, 429 after too many, 403 for another site's request.
        """
        scheme, _, value = (header(request, b"authorization") or b"").partition(b" ")
        if scheme.lower() == b"bearer":
            return None
        if scheme.lower() != b"basic":
            raise _unauthenticated("Log in first")
        self._throttle(caller)
        if not hmac.compare_digest(_digest(_decoded(value)), self._digest):
            self._note_failure(caller)
            raise _unauthenticated("The name or the password is wrong")
        _check_site(request)
        return self._bearer

    def _throttle(self, caller: str) -> None:
        """A caller that failed too often waits, even with the right password."""
        now = self._clock.monotonic()
        with self._lock:
            failures = [at for at in self._failures.get(caller, []) if now - at < _WINDOW_SECONDS]
        if len(failures) >= _TRIES:
            seconds = int(failures[0] + _WINDOW_SECONDS - now) + 1
            raise Refused(
                429, "too_many_logins", "Too many wrong logins; wait", details={},
                headers={"Retry-After": str(seconds)},
            )  # fmt: skip

    def _note_failure(self, caller: str) -> None:
        self._metrics.failed_logins.inc()
        now = self._clock.monotonic()
        with self._lock:
            while len(self._failures) >= _MOST_CALLERS and caller not in self._failures:
                del self._failures[next(iter(self._failures))]  # the one known longest
            recent = [*self._failures.pop(caller, []), now][-_TRIES:]
            self._failures[caller] = recent


def _check_site(request: h11.Request) -> None:
    """A browser sends the login along with whatever a foreign page asks for: refuse that."""
    if request.method in _SAFE:
        return
    site, origin = header(request, b"sec-fetch-site"), header(request, b"origin")
    host = (header(request, b"host") or b"").decode("latin-1").lower()
    if (site is not None and site not in _OWN_SITE) or (
        origin is not None and urlsplit(origin.decode("latin-1")).netloc.lower() != host
    ):
        raise Refused(403, "cross_site", "This request comes from another site")


def _unauthenticated(sentence: str) -> Refused:
    return Refused(401, "unauthenticated", sentence, headers=_CHALLENGE)


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
