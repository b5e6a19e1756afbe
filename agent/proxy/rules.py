"""What may pass, and how it is changed on its way. Pure: no sockets, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

import h11

from agent.proxy.errors import Refused

Headers = list[tuple[bytes, bytes]]

VIA = b"1.1 spot-optimizer-proxy"
_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate",
        b"proxy-authorization", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
_FORWARDED = (b"x-forwarded-", b"x-real-ip", b"forwarded")
_LARGEST_HEAD = 32_768
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHOD = re.compile(rb"[A-Z]{1,20}")


def check(request: h11.Request, most_bytes: int) -> None:
    """Refuse what two servers could read in two ways, or what leaves the backend's path.

    Raises:
        Refused: 400, 405, 413, 431 or 502, with the reason.
    """
    names = [name for name, _ in request.headers]
    if sum(len(name) + len(value) for name, value in request.headers) > _LARGEST_HEAD:
        raise Refused(431, "headers_too_large", f"Headers may have at most {_LARGEST_HEAD} bytes")
    if _METHOD.fullmatch(request.method) is None or request.method == b"CONNECT":
        raise Refused(405, "method_not_allowed", "This method cannot be forwarded")
    if b"content-length" in names and b"transfer-encoding" in names:
        raise _bad("The body's length must be said once, not by two headers")
    if names.count(b"host") > 1:
        raise _bad("There must be one Host header")
    if any(name == b"via" and VIA in value for name, value in request.headers):
        raise Refused(502, "proxy_loop", "The backend's address leads back to this proxy")
    _check_target(request.target)
    if (declared_bytes(request) or 0) > most_bytes:
        raise too_large(most_bytes)


def _check_target(target: bytes) -> None:
    if not target.startswith(b"/") or target.startswith(b"//"):
        raise _bad("The request target must be a path of this server")
    path = target.partition(b"?")[0]
    plain = unquote_to_bytes(path)
    if b"#" in target or b"\\" in plain or b"\x00" in plain:
        raise _bad("The path has a character that it must not have")
    if any(part.partition(b";")[0] in (b".", b"..") for part in plain.split(b"/")):
        raise _bad("The path must not have . or .. in it")


def _bad(sentence: str) -> Refused:
    return Refused(400, "bad_request", sentence)


def too_large(most_bytes: int) -> Refused:
    """The refusal of a body that is too long."""
    return Refused(
        413, "body_too_large", f"The body may have at most {most_bytes} bytes",
        details={"max_bytes": most_bytes},
    )  # fmt: skip


def declared_bytes(request: h11.Request) -> int | None:
    """Return the length of the body as the caller states it; None when it states none."""
    return next((int(value) for name, value in request.headers if name == b"content-length"), None)


def request_id(request: h11.Request) -> bytes | None:
    """Return the caller's own id of this request, if it is a sane one."""
    offered = header(request, b"x-request-id") or b""
    return offered if _ID.fullmatch(offered) else None


def header(message: h11.Request, name: bytes) -> bytes | None:
    """Return a header's first value; ``name`` is in lower case."""
    return next((value for known, value in message.headers if known == name), None)


def forwarded(
    request: h11.Request, *, peer: str, authority: str, authorization: bytes | None,
    trust: bool, unique: bytes,
) -> Headers:  # fmt: skip
    """Return the headers that the backend gets.

    ``authorization`` replaces the caller's own. What the caller says of earlier hops is kept only
    with ``trust``; names with an underscore never pass: a WSGI server takes them for hyphens.
    """
    dropped = {*_hop_by_hop(request.headers), b"host", b"expect", b"x-request-id"}
    if authorization is not None:
        dropped.add(b"authorization")
    kept = [
        (raw, value)
        for (raw, value), (name, _) in zip(request.headers.raw_items(), request.headers)
        if name not in dropped and b"_" not in name and not name.startswith(_FORWARDED)
    ]
    earlier = dict(request.headers) if trust else {}
    own = peer.encode("ascii")
    chain = earlier.get(b"x-forwarded-for")
    added = [
        (b"Host", authority.encode("idna" if not authority.isascii() else "ascii")),
        (b"X-Forwarded-For", chain + b", " + own if chain else own),
        (b"X-Forwarded-Proto", earlier.get(b"x-forwarded-proto", b"http")),
        (b"X-Forwarded-Host", earlier.get(b"x-forwarded-host", header(request, b"host") or b"")),
        (b"X-Request-Id", unique),
        (b"Via", VIA),
    ]
    if authorization is not None:
        added.append((b"Authorization", authorization))
    if b"transfer-encoding" in {name for name, _ in request.headers}:
        added.append((b"Transfer-Encoding", b"chunked"))
    return [*added, *kept]


def answered(response: h11.Response) -> Headers:
    """Return the headers that the caller gets."""
    dropped = _hop_by_hop(response.headers)
    if any(name == b"transfer-encoding" for name, _ in response.headers):
        dropped = dropped | {b"content-length"}  # chunks win: the length would be a lie
    return [
        (raw, value)
        for (raw, value), (name, _) in zip(response.headers.raw_items(), response.headers)
        if name not in dropped
    ]


def _hop_by_hop(headers: Iterable[Sequence[bytes]]) -> frozenset[bytes]:
    named = (
        word.strip().lower()
        for name, value in headers
        if name == b"connection"
        for word in value.split(b",")
    )
    # Nobody may talk us out of the framing of a body.
    return _HOP_BY_HOP | (frozenset(named) - {b"content-length", b"host", b"authorization"})
