"""What the private database server keeps on disk, and who may hold it."""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.errors import ConfigError, DatabaseUnavailable

LONGEST_SOCKET_PATH = 107  # bytes: sockaddr_un has 108, with the closing zero
LOCK_POLL_SECONDS = 0.05
SERVICE_ACCOUNT = "mysql"


class ServerFolder:
    """The folder of one private server: data, passwords, socket, locks. Readable by its owner only.

    A process that uses the server holds ``users.lock`` shared for as long as it does, so that the
    last one to leave knows that it is the last. The kernel gives both locks back when a process
    dies, however it dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.pid_file = self.path / "server.pid"
        self.error_log = self.path / "server.log"
        self.install_log = self.path / "install.log"
        self.init_file = self.path / "init.sql"
        self.temporary = self.path / "tmp"
        self._users: int | None = None

    @property
    def socket(self) -> Path:
        """The server's socket: in the folder, or in a private temporary one if the path is long."""
        inside = self.path / "s.sock"
        return inside if _fits(inside) else self._short_folder() / "s.sock"

    @property
    def account(self) -> str | None:
        """The system account that the server must change to; None for an ordinary user.

        Only root has the choice, and takes ``mysql`` where that exists and can reach the folder.
        """
        if os.geteuid() != 0:
            return None
        return SERVICE_ACCOUNT if self._service_ids() else "root"

    def create(self) -> None:
        """Make the folder, closed to everybody else. Idempotent.

        Raises:
            ConfigError: the folder cannot be made or belongs to somebody else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)
            # A server that starts deletes every "#sql" file of its temporary folder: servers that
            # share one take sorts and temporary tables away from each other.
            self.temporary.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"LOCAL_DIR: {self.path} is not usable: {error.strerror}", key="LOCAL_DIR"
            ) from error
        if not _fits(self.path / "s.sock"):
            self._create_short_folder()
        self.give_to_server(self.path)
        self.give_to_server(self.temporary)

    def give_to_server(self, path: Path) -> None:
        """Let the server's account own a file or folder, where it is not our own account."""
        ids = self._service_ids()
        if ids:
            os.chown(path, *ids)

    def password(self, account: str) -> str:
        """Return the random password of ``account``, made on first use and kept 0600."""
        path = self.path / f"{account}.password"
        with suppress(FileNotFoundError):
            kept = path.read_text(encoding="ascii")
            if kept:
                return kept
        return self.write_private(path, secrets.token_urlsafe(24))

    def write_private(self, path: Path, text: str) -> str:
        """Write a file that only its owner can read, whole or not at all; return the text."""
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
        return text

    def server_pid(self) -> int | None:
        """Return the id of the server process of this folder, or None when there is none.

        A stale pid file, also one whose number another program has by now, counts as none.
        """
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if f"--datadir={self.data}".encode() in arguments else None

    def clear_stale(self) -> None:
        """Remove the pid file and the socket of a server that is gone."""
        self.pid_file.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder and everything in it. The server must be stopped."""
        if not _fits(self.path / "s.sock"):
            shutil.rmtree(self._short_folder(), ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def log_tail(self, path: Path, *, lines: int = 8) -> str:
        """Return the end of a log, for an error message."""
        with suppress(FileNotFoundError):
            return "\n".join(
                path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            )
        return ""

    @contextmanager
    def locked(self, wait_seconds: float) -> Iterator[int]:
        """Hold the folder's lock for a start or a stop; yields its file descriptor.

        Raises:
            DatabaseUnavailable: another process kept it for the whole waiting time.
        """
        descriptor = os.open(self.path / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, wait_seconds)
            yield descriptor
        finally:
            os.close(descriptor)

    def join_users(self) -> None:
        """Count this process among the server's users, until ``leave_users`` or its death."""
        if self._users is None:
            self._users = os.open(self.path / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def leave_users(self) -> bool:
        """Stop counting this process; return whether nobody else uses the server."""
        if self._users is None:
            self._users = os.open(self.path / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._users)
            self._users = None

    def _service_ids(self) -> tuple[int, int] | None:
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(SERVICE_ACCOUNT)
        except KeyError:
            return None
        reachable = all(_may_enter(parent, entry) for parent in self.path.parents)
        return (entry.pw_uid, entry.pw_gid) if reachable else None

    def _short_folder(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        named = Path(tempfile.gettempdir(), f"spot-db-{os.geteuid()}-{digest}")
        return named if _fits(named / "s.sock") else Path("/tmp", named.name)  # noqa: S108

    def _create_short_folder(self) -> None:
        """Make the socket's folder in a place that others can write to: trust only our own."""
        folder = self._short_folder()
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        owners = {os.geteuid(), *(self._service_ids() or ())[:1]}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & 0o077:
            raise ConfigError(f"LOCAL_DIR: {folder} exists and is not private", key="LOCAL_DIR")
        self.give_to_server(folder)


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _may_enter(folder: Path, entry: pwd.struct_passwd) -> bool:
    """Whether an account may pass through a folder. Missing folders will be made by us, open."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return True
    if found.st_uid == entry.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == entry.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _lock(descriptor: int, wait_seconds: float) -> None:
    pause = threading.Event()  # never set: an interruptible sleep
    for _ in range(max(1, int(wait_seconds / LOCK_POLL_SECONDS))):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(LOCK_POLL_SECONDS)
        else:
            return
    raise DatabaseUnavailable("Another process is starting or stopping the private database")
