"""One ``serve`` per local folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.serve.supervisor import ServeFailed

FILE_NAME = "serve.lock"


class FolderClaim:
    """Holds the folder from enter to exit. The lock ends with the process, however that ends.

    Attributes:
        was_abandoned: The holder before us was killed; its processes may be still on their way out.
    """

    was_abandoned = False

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Claim the folder.

        Raises:
            ServeFailed: another ``serve`` holds it, or it cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServeFailed(
                f"LOCAL_DIR: {self._path.parent} cannot be used: {error.strerror}"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read() or "unknown"
            self._close()
            raise ServeFailed(
                f"Another serve (process {holder}) is using {self._path.parent}: stop it first,"
                " or set LOCAL_DIR to another folder"
            ) from None
        self.was_abandoned = bool(self._read())
        self._write(f"{os.getpid()}\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write("")
        self._close()

    def _read(self) -> str:
        assert self._descriptor is not None  # noqa: S101 - only called while it is open
        return os.pread(self._descriptor, 20, 0).decode(errors="replace").strip()

    def _write(self, text: str) -> None:
        assert self._descriptor is not None  # noqa: S101 - only called while it is open
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
