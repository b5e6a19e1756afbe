"""Small JSON documents on disk that survive a crash and know whose they are.

Every document names its instance. One of another instance (this disk is a copy of another
host's) or one that cannot be read is moved into ``archive/`` and never used.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from pathlib import Path
from typing import IO, Any

from agent.errors import AlreadyRunning

logger = logging.getLogger(__name__)

FORMAT = 1
_ARCHIVE = "archive"


class Documents:
    """The state folder of one instance. Writes are atomic: a reader sees the old or the new."""

    def __init__(self, folder: Path, instance_id: str) -> None:
        self._folder = folder
        self._instance_id = instance_id
        self._lock: IO[str] | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def claim(self) -> None:
        """Take the folder for this process; the operating system frees it when the process ends.

        Raises:
            AlreadyRunning: another process holds it.
        """
        lock = (self._folder / "agent.lock").open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise AlreadyRunning(f"Another agent uses {self._folder}") from error
        self._lock = lock

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.close()

    def names(self, room: str) -> list[str]:
        """Return the names of the documents in a sub-folder, in order."""
        return sorted(f"{room}/{path.stem}" for path in (self._folder / room).glob("*.json"))

    def load(self, name: str) -> Any:
        """Return the content of a document; None when there is none that is ours and whole."""
        path = self._path(name)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            owner, form, content = document["instance_id"], document["format"], document["data"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            self._archive(name, "unreadable")
            return None
        if owner != self._instance_id or form != FORMAT:
            self._archive(name, f"{owner}-format-{form}")
            return None
        return content

    def save(self, name: str, content: Any) -> None:
        """Replace a document; when this returns it survives a power cut."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".draft")
        document = {"format": FORMAT, "instance_id": self._instance_id, "data": content}
        with open(draft, "w", encoding="utf-8", opener=_private) as stream:
            json.dump(document, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        _sync_folder(path.parent)

    def remove(self, name: str) -> None:
        """Delete a document; no error when it is gone already."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _archive(self, name: str, why: str) -> None:
        source = self._path(name)
        folder = (
            self._folder / _ARCHIVE / "".join(c if c.isalnum() or c == "-" else "_" for c in why)
        )
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source.replace(target.with_suffix(".json"))
        logger.warning(
            "%s is not this instance's or cannot be read: archived, not used",
            name,
            extra={"action": "document_archived", "document": name, "why": why},
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
