"""JSON over HTTP/1.1 for many callers in one event loop; connections are kept and shared."""

import asyncio
import json
from collections import deque
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from simulator.json_http import ApiAway, JsonAnswer

SECONDS = 10.0  # as agents wait
LONGEST_LINE = 65_536


class _Line(NamedTuple):
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class HttpPool:
    """Calls one server. Used within one event loop only."""

    def __init__(self, url: str, token: str, most: int) -> None:
        """Open nothing yet.

        Args:
            url: The server.
            token: Sent with every call.
            most: How many calls may be under way at once; further ones wait.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = token
        self._idle: deque[_Line] = deque()
        self._room = asyncio.Semaphore(most)
        self.calls = 0

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None, instance_id: str
    ) -> JsonAnswer:
        """Make one call as an instance.

        Raises:
            ApiAway: no answer came; whether the call was carried out is unknown.
        """
        payload = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\nX-Instance-Id: {instance_id}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        )
        async with self._room:
            self.calls += 1
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._exchange(head.encode() + payload)
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                msg = f"{method} {path}: {str(error) or type(error).__name__}"
                raise ApiAway(msg) from error

    def close(self) -> None:
        """Close the connections that nobody uses. Idempotent."""
        while self._idle:
            self._idle.pop().writer.close()

    async def _exchange(self, request: bytes) -> JsonAnswer:
        if self._idle:
            line = self._idle.pop()
            try:
                return await self._ask(line, request)
            except (OSError, EOFError):
                pass  # the server had closed it meanwhile; every message may be repeated
        return await self._ask(await self._open(), request)

    async def _open(self) -> _Line:
        return _Line(*await asyncio.open_connection(self._host, self._port, limit=LONGEST_LINE))

    async def _ask(self, line: _Line, request: bytes) -> JsonAnswer:
        is_whole = False
        try:
            line.writer.write(request)
            status, headers = await _read_head(line.reader)
            payload = await _read_body(line.reader, headers)
            is_whole = headers.get("connection", "").lower() != "close"
            return JsonAnswer(status, _json(payload))
        finally:
            if is_whole:
                self._idle.append(line)
            else:
                line.writer.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def _json(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
