"""One request to the backend and its answer back, both as streams."""

from __future__ import annotations

import socket

import h11

from agent.proxy import rules
from agent.proxy.errors import AnswerBroken, CallerGone, Refused
from agent.proxy.metrics import Metrics
from agent.proxy.settings import ProxySettings
from agent.proxy.upstream import Upstream
from agent.proxy.wire import Wire

_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_INFORMATIONAL = 200


class Forwarding:
    """Carries requests to the backend; one object serves all threads."""

    def __init__(self, settings: ProxySettings, upstream: Upstream, metrics: Metrics) -> None:
        self._settings = settings
        self._upstream = upstream
        self._metrics = metrics

    def forward(self, caller: Wire, request: h11.Request, headers: rules.Headers) -> int:
        """Send the request on, and the answer back; return its status.

        Raises:
            Refused: nothing is answered yet; 408, 413, 502 or 504 must be.
            CallerGone: the caller hung up.
            AnswerBroken: the backend stopped in the middle of its answer.
        """
        onward = h11.Request(
            method=request.method,
            target=self._settings.backend.prefix.encode("ascii") + request.target,
            headers=headers,
        )
        has_body = rules.header(request, b"transfer-encoding") is not None or bool(
            rules.declared_bytes(request)
        )
        wire = self._upstream.take_idle()
        if wire is not None and request.method in _REPEATABLE and not has_body:
            try:
                return self._exchange(wire, caller, onward)
            except Refused as refused:
                if refused.code != "upstream_closed":
                    raise
            wire = None  # it was closed while it waited: once more, on a new one
        return self._exchange(wire or self._upstream.connect(), caller, onward)

    def _exchange(self, wire: Wire, caller: Wire, onward: h11.Request) -> int:
        try:
            self._send(wire, caller, onward)
            response = self._head(wire)
            self._return(wire, caller, response)
        except BaseException:
            wire.close()
            raise
        self._upstream.give_back(wire)
        return int(response.status_code)

    def _send(self, wire: Wire, caller: Wire, onward: h11.Request) -> None:
        """Send head and body; stop early when the backend answers before it has read all."""
        seen = 0
        try:
            wire.send(onward, self._settings.read_timeout)
            while True:
                event = self._from_caller(caller)
                if isinstance(event, h11.EndOfMessage):
                    wire.send(h11.EndOfMessage(), self._settings.read_timeout)
                    return
                seen += len(event.data)
                self._metrics.bytes.labels("up").inc(len(event.data))
                if seen > self._settings.max_body_bytes:
                    raise rules.too_large(self._settings.max_body_bytes)
                if self._settings.backend.tls is None and wire.has_news():
                    return
                wire.send(h11.Data(data=event.data), self._settings.read_timeout)
        except socket.timeout as error:
            raise Refused(504, "upstream_timeout", "The backend takes no more bytes") from error
        except OSError:
            return  # it hung up; what it said before is read next

    def _from_caller(self, caller: Wire) -> h11.Data | h11.EndOfMessage:
        try:
            event = caller.receive(self._settings.client_timeout)
        except socket.timeout as error:
            raise Refused(408, "request_timeout", "The body did not arrive in time") from error
        except OSError as error:
            raise CallerGone("in the middle of the body") from error
        except h11.RemoteProtocolError as error:
            raise Refused(400, "bad_request", "The body is not complete, or no HTTP") from error
        if not isinstance(event, (h11.Data, h11.EndOfMessage)):
            raise CallerGone("in the middle of the body")
        return event

    def _head(self, wire: Wire) -> h11.Response:
        try:
            while True:
                event = wire.receive(self._settings.read_timeout)
                if isinstance(event, h11.Response):
                    return event
                if not isinstance(event, h11.InformationalResponse):
                    raise _closed()
        except socket.timeout as error:
            raise Refused(504, "upstream_timeout", "The backend did not answer in time") from error
        except OSError as error:
            raise _closed() from error
        except h11.RemoteProtocolError as error:
            if wire.has_ended:
                raise _closed() from error
            raise Refused(502, "upstream_invalid", "The backend's answer is no HTTP") from error

    def _return(self, wire: Wire, caller: Wire, response: h11.Response) -> None:
        head = h11.Response(
            status_code=response.status_code,
            headers=rules.answered(response),
            reason=response.reason,
        )
        self._to_caller(caller, head)
        while True:
            try:
                event = wire.receive(self._settings.read_timeout)
            except (OSError, h11.RemoteProtocolError) as error:
                raise AnswerBroken(type(error).__name__) from error
            if not isinstance(event, h11.Data):
                self._to_caller(caller, h11.EndOfMessage())
                return
            self._metrics.bytes.labels("down").inc(len(event.data))
            self._to_caller(caller, h11.Data(data=event.data))

    def _to_caller(self, caller: Wire, event: h11.Event) -> None:
        try:
            caller.send(event, self._settings.client_timeout)
        except OSError as error:
            raise CallerGone("in the middle of the answer") from error
        except h11.LocalProtocolError as error:  # more or fewer bytes than the head promised
            raise AnswerBroken("a length that does not hold") from error


def _closed() -> Refused:
    return Refused(502, "upstream_closed", "The backend hung up without an answer")
