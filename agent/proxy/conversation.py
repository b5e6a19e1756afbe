"""What one caller says on one connection, request after request."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

import h11

from agent.clock import Clock
from agent.proxy import answers, rules
from agent.proxy.errors import AnswerBroken, CallerGone, Refused
from agent.proxy.forwarding import Forwarding
from agent.proxy.login import Gate
from agent.proxy.metrics import Metrics
from agent.proxy.settings import ProxySettings
from agent.proxy.upstream import Upstream
from agent.proxy.wire import Wire

logger = logging.getLogger(__name__)


class Conversations:
    """Serves callers' connections; one object for all threads."""

    def __init__(
        self, settings: ProxySettings, upstream: Upstream, metrics: Metrics, clock: Clock
    ) -> None:
        self._settings = settings
        self._upstream = upstream
        self._metrics = metrics
        self._clock = clock
        self._forwarding = Forwarding(settings, upstream, metrics)
        self._gate = Gate(settings.login, metrics, clock) if settings.login is not None else None

    def hold(self, caller: Wire, peer: str, note_busy: Callable[[bool], bool]) -> None:
        """Serve until the caller has no more requests, or breaks the rules.

        ``note_busy`` hears when a request begins and ends; False from it ends the conversation.
        """
        try:
            while True:
                event = caller.receive(self._settings.idle_timeout)
                if not isinstance(event, h11.Request):
                    return
                if not note_busy(True) or not self._serve(caller, event, peer):
                    return
                if not note_busy(False) or not caller.next_cycle():
                    caller.close(politely=True)
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(caller, _no_http(error), uuid.uuid4().hex, b"GET")
        except OSError:
            return  # silence, or gone

    def _serve(self, caller: Wire, request: h11.Request, peer: str) -> bool:
        """Serve one request; tell whether the connection may go on."""
        started = self._clock.monotonic()
        unique = (rules.request_id(request) or uuid.uuid4().hex.encode()).decode("ascii")
        goes_on = False
        try:
            status = self._answer(caller, request, peer, unique.encode("ascii"))
            goes_on = True
        except Refused as refused:
            status = refused.status
            self._refuse(caller, refused, unique, request.method)
        except (AnswerBroken, CallerGone) as error:
            status = 499 if isinstance(error, CallerGone) else 502
            if isinstance(error, AnswerBroken):
                self._metrics.broken.inc()
        method, path = request.method.decode(), request.target.partition(b"?")[0].decode("latin-1")
        seconds = self._clock.monotonic() - started
        self._metrics.done(method, status, seconds)
        # Without the query: it may hold what nobody should read in a log.
        logger.info(
            "%s %s: %d", method, path[:200], status,
            extra={
                "action": "request_forwarded", "status": status, "request_id": unique,
                "seconds": round(seconds, 4), "peer": peer,
            },
        )  # fmt: skip
        return goes_on

    def _answer(self, caller: Wire, request: h11.Request, peer: str, unique: bytes) -> int:
        rules.check(request, self._settings.max_body_bytes)
        path = request.target.partition(b"?")[0]
        if path == b"/proxy/health":
            return answers.answer_health(caller, self._upstream, request.method)
        authorization = None
        if self._gate is not None:
            authorization = self._gate.authorization(request, self._origin(request, peer))
        if path == b"/proxy/metrics":
            return answers.answer_metrics(caller, self._metrics, request.method)
        headers = rules.forwarded(
            request,
            peer=peer,
            authority=self._settings.backend.authority,
            authorization=authorization,
            trust=self._settings.trust_forwarded,
            unique=unique,
        )
        return self._forwarding.forward(caller, request, headers)

    def _origin(self, request: h11.Request, peer: str) -> str:
        """Who knocks: behind a trusted proxy the last address that it added."""
        chain = (
            rules.header(request, b"x-forwarded-for") if self._settings.trust_forwarded else None
        )
        return chain.decode("latin-1").rpartition(",")[2].strip()[:64] if chain else peer

    def _refuse(self, caller: Wire, refused: Refused, unique: str, method: bytes) -> None:
        if not caller.can_answer:
            return
        try:
            answers.refuse(caller, refused, unique, method=method)
        except (OSError, h11.LocalProtocolError):
            return
        caller.close(politely=True)


def _no_http(error: h11.RemoteProtocolError) -> Refused:
    status = error.error_status_hint if error.error_status_hint in {400, 431, 501} else 400
    return Refused(status, "bad_request", "This is no request that can be forwarded")
