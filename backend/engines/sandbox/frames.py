"""Messages between web process, broker and worker: a JSON head and bytes, both with a length."""

import struct
from typing import Any, Final, Protocol

import orjson

LARGEST_HEAD_BYTES: Final = 16 * 1024 * 1024
LARGEST_BODY_BYTES: Final = 128 * 1024 * 1024
_LENGTHS = struct.Struct("!II")

Head = dict[str, Any]


class Broken(Exception):
    """The other side went away, or does not speak this language."""


class Stream(Protocol):
    """What a message travels through."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""

    def write(self, data: bytes, /) -> object:
        """Send the bytes, all of them or the number that is returned."""


def send(stream: Stream, head: Head, body: bytes = b"") -> None:
    """Send one message.

    Raises:
        OSError: the other side is gone, or too slow.
    """
    encoded = orjson.dumps(head)
    _write_all(stream, _LENGTHS.pack(len(encoded), len(body)) + encoded)
    if body:
        _write_all(stream, body)


def receive(stream: Stream) -> tuple[Head, bytes]:
    """Wait for one message.

    Raises:
        Broken: the stream ended, or what came is no message of ours.
        OSError: the other side is too slow.
    """
    head_size, body_size = _LENGTHS.unpack(_read_all(stream, _LENGTHS.size))
    if head_size > LARGEST_HEAD_BYTES or body_size > LARGEST_BODY_BYTES:
        raise Broken("a message is too large")
    encoded = _read_all(stream, head_size)
    body = _read_all(stream, body_size)
    try:
        head = orjson.loads(encoded)
    except orjson.JSONDecodeError as error:
        raise Broken("a message is not JSON") from error
    if not isinstance(head, dict):
        raise Broken("a message has no head")
    return head, body


def _read_all(stream: Stream, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(min(size - len(parts), 1024 * 1024))
        if not part:
            raise Broken("the other side is gone")
        parts += part
    return bytes(parts)


def _write_all(stream: Stream, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        sent = stream.write(bytes(rest[: 1024 * 1024]))
        rest = rest[sent if isinstance(sent, int) else len(rest[: 1024 * 1024]) :]
