"""Unpack compressed bytes, but never more than a model may have."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final

from backend.engines.errors import ModelRefused

LARGEST_UNPACKED_BYTES: Final = 256 * 1024 * 1024
_GZIP_WINDOW = 31

_OPENERS: Final[dict[bytes, Callable[[], Any]]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(_GZIP_WINDOW),
    b"\x78": zlib.decompressobj,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
    b"\x5d\x00": lzma.LZMADecompressor,
}


def unpacked(content: bytes) -> bytes:
    """Return the bytes, unpacked if they are compressed by zlib, gzip, bzip2 or xz.

    Raises:
        ModelRefused: they unpack to more than 256 MB, or are damaged.
    """
    opener = next((make for magic, make in _OPENERS.items() if content.startswith(magic)), None)
    if opener is None:
        return content
    unpacker = opener()
    out = io.BytesIO()
    try:
        out.write(unpacker.decompress(content, LARGEST_UNPACKED_BYTES + 1))
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise ModelRefused(f"The model is refused: its compression is damaged: {error}") from error
    if out.tell() > LARGEST_UNPACKED_BYTES:
        raise ModelRefused(
            "The model is refused: it unpacks to more than"
            f" {LARGEST_UNPACKED_BYTES // 1024 // 1024} MB"
        )
    return out.getvalue()
