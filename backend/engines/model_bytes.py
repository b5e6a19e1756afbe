"""Bytes of models: in the database for every node, in a folder as each node's cache."""

import contextlib
import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from backend.db.database import Database
from backend.db.session import Row
from backend.engines.errors import ScoringFailed
from backend.repositories import model_files

CHUNK_BYTES: Final = 1024 * 1024
ARTIFACT, MANIFEST = "artifact", "manifest.json"


def sha256_of(content: bytes) -> str:
    """Return the name under which bytes are kept: their SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


class ModelBytes:
    """Stores and finds bytes by their hash. Thread-safe."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Remember where bytes are kept.

        Args:
            database: The truth.
            folder: ``ML_MODELS_DIR``, the cache: ``<name>/<version>/{artifact, manifest.json}``.
        """
        self._database = database
        self._folder = folder

    def store(self, content: bytes, now: datetime) -> str:
        """Store bytes in pieces and return their hash. Idempotent."""
        name = sha256_of(content)
        for number, start in enumerate(range(0, len(content), CHUNK_BYTES)):
            piece = content[start : start + CHUNK_BYTES]
            self._database.run(
                "store_model_chunk",
                lambda s, n=number, p=piece: model_files.insert_chunk(s, name, n, p, now),  # type: ignore[misc]
            )
        return name

    def fetch(self, sha256: str) -> bytes:
        """Return the bytes of a hash from the database.

        Raises:
            ScoringFailed: they are missing or damaged.
        """
        pieces: list[bytes] = []
        while True:
            number = len(pieces)
            piece = self._database.run(
                "fetch_model_chunk",
                lambda s, n=number: model_files.find_chunk(s, sha256, n),  # type: ignore[misc]
            )
            if piece is None:
                break
            pieces.append(piece)
        content = b"".join(pieces)
        if sha256_of(content) != sha256:
            raise ScoringFailed("The stored bytes of the model are missing or damaged")
        return content

    def cached(self, model: Row) -> bytes:
        """Return what is scored of a version, from the cache if its hash is right.

        A cache that cannot be read or written costs time, nothing else.
        """
        folder = self._folder / str(model["model_name"]) / str(model["version"])
        with contextlib.suppress(OSError):
            content = (folder / ARTIFACT).read_bytes()
            if sha256_of(content) == model["scored_sha256"]:
                return content
        content = self.fetch(str(model["scored_sha256"]))
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / ARTIFACT, content)
            _write(folder / MANIFEST, orjson.dumps(model["manifest"], option=orjson.OPT_INDENT_2))
        return content

    def forget_unused(self, before: datetime) -> int:
        """Delete stored bytes that no version needs any more; return how many pieces."""
        return self._database.run(
            "forget_model_bytes", lambda s: model_files.delete_unused(s, before)
        )


def _write(path: Path, content: Any) -> None:
    """Write a file that appears whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
