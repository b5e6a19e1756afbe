"""Which file is which: extensions, first bytes, and what is refused by name. Parses nothing."""

from pathlib import PurePosixPath
from typing import Final

from backend.engines.errors import ModelRefused

FORMATS: Final = {
    ".json": "json",
    ".onnx": "onnx",
    ".pkl": "pickle",
    ".joblib": "pickle",
    ".h5": "h5",
    ".pth": "torch",
    ".pt": "torch",
}
PLAIN_FORMATS: Final = frozenset({"json", "onnx"})
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_PICKLES: Final = (b"\x80", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00")
_BEGINNINGS: Final[dict[str, tuple[bytes, ...]]] = {
    "json": (b"{",),
    "pickle": _PICKLES,
    "h5": (_HDF5,),
    "torch": (_ZIP,),
}
_FOREIGN: Final = (_HDF5, _ZIP, b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"{", b"<")


def format_of(file_name: str, content: bytes) -> str:
    """Return the format of a file by its extension; its first bytes must agree.

    Raises:
        ModelRefused: the extension is not accepted, or the content is something else.
    """
    extension = PurePosixPath(file_name).suffix.lower()
    if extension not in FORMATS:
        raise ModelRefused(
            f"The model is refused: {extension or file_name!r} files are not accepted; accepted are"
            f" {', '.join(FORMATS)}. Export the model as ONNX"
        )
    if not content:
        raise ModelRefused(f"The model is refused: {file_name!r} is empty")
    found = FORMATS[extension]
    beginnings = _BEGINNINGS.get(found)
    is_other = (
        content.startswith(_FOREIGN) if beginnings is None
        else not content.lstrip()[:8].startswith(beginnings)
    )  # fmt: skip
    if is_other:
        raise ModelRefused(
            f"The model is refused: the content of {file_name!r} is not what its name says"
        )
    return found


HORIZON_MINUTES: Final = 30  # what the chances of a hazard model speak of, unless it says otherwise
MOST_HORIZON_MINUTES: Final = 1440
