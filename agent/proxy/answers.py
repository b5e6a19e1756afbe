"""What the proxy answers itself: failures in the house's shape, health, metrics."""

from __future__ import annotations

import json
from http import HTTPStatus

import h11

from agent import VERSION
from agent.proxy.errors import Refused
from agent.proxy.metrics import Metrics
from agent.proxy.upstream import Upstream
from agent.proxy.wire import Wire

_SECONDS = 5.0
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def answer(
    wire: Wire,
    status: int,
    body: bytes,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    *,
    method: bytes = b"GET",
) -> None:
    """Send a whole answer."""
    lines = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    reason = HTTPStatus(status).phrase.encode()
    wire.send(
        h11.Response(status_code=status, headers=list(lines.items()), reason=reason), _SECONDS
    )
    if method != b"HEAD":
        wire.send(h11.Data(data=body), _SECONDS)
    wire.send(h11.EndOfMessage(), _SECONDS)


def refuse(wire: Wire, refused: Refused, unique: str, *, method: bytes = b"GET") -> None:
    """Answer a failure; the connection is closed after it."""
    answer(
        wire, refused.status, error_body(refused, unique),
        headers={**refused.headers, "X-Request-Id": unique, "Connection": "close"}, method=method,
    )  # fmt: skip


def error_body(refused: Refused, unique: str) -> bytes:
    """Return the failure as the backend would write it."""
    body = {
        "error": refused.sentence,
        "code": refused.code,
        "request_id": unique,
        "details": refused.details,
    }
    return json.dumps(body).encode()


def answer_health(wire: Wire, upstream: Upstream, method: bytes) -> int:
    """Tell whether the backend takes connections; 503 while it does not."""
    try:
        upstream.give_back(upstream.take_idle() or upstream.connect())
        status, word = 200, "reachable"
    except Refused:
        status, word = 503, "unreachable"
    body = {"status": "ok" if status == HTTPStatus.OK else "degraded", "backend": word}
    answer(wire, status, json.dumps({**body, "version": VERSION}).encode(), method=method)
    return status


def answer_metrics(wire: Wire, metrics: Metrics, method: bytes) -> int:
    """Answer the counters as Prometheus reads them."""
    answer(wire, 200, metrics.text(), _TEXT, method=method)
    return 200
