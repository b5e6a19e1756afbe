"""A private database server for one machine: no port, its own data folder, its own passwords.

Reached through a socket in a folder that only its owner can enter. Whoever starts the same folder
while the server runs adopts it; the last process that uses it stops it.
"""

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mysql.connector

from backend.db.connect import DatabaseAddress, connect
from backend.db.server_binary import ServerBinary, find_server_binary
from backend.db.server_folder import ServerFolder
from backend.errors import ConfigError, DatabaseUnavailable

logger = logging.getLogger(__name__)

REDO_BYTES = 64 * 1024 * 1024  # a minute of full load between checkpoints, little on the disk
START_SECONDS = 120.0  # recovery after a crash replays the redo log before the socket answers
STOP_SECONDS = 60.0
DYING_SECONDS = 10.0
POLL_SECONDS = 0.02

RESERVED_USERS = frozenset({"root", "mariadb.sys", "mysql.sys", "mysql.session"})
RESERVED_DATABASES = frozenset({"mysql", "sys", "information_schema", "performance_schema"})

DEFAULT_OPTIONS: Mapping[str, str] = {
    "skip-networking": "",
    "skip-name-resolve": "",
    "event-scheduler": "ON",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_bin",
    "default-time-zone": "+00:00",
    "innodb-flush-log-at-trx-commit": "1",  # a commit that was answered survives a power cut
    "max-connections": "300",
}


class LocalServer:
    """One private server. Linux only (it reads ``/proc`` to recognise its own process).

    Not thread-safe: one thread starts and stops it; any number of processes may do so at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str = "spot_optimizer",
        user: str = "spot_optimizer",
        options: Mapping[str, str] | None = None,
        redo_bytes: int = REDO_BYTES,
        launcher: tuple[str, ...] = (),
    ) -> None:
        """Describe the server; nothing happens before ``start``.

        Args:
            folder: Its home, usually ``<LOCAL_DIR>/mysql``.
            database: The database that exists after a start.
            user: The account that owns that database and nothing else.
            options: Server options by name, without dashes; they win over ``DEFAULT_OPTIONS``.
            redo_bytes: Size of the redo log.
            launcher: Words put before the server's command, e.g. a resource limiter.
        """
        self.folder = ServerFolder(folder)
        self._database = database
        self._user = user
        self._options = {**DEFAULT_OPTIONS, **(options or {})}
        self._redo_bytes = redo_bytes
        self._launcher = launcher
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = threading.Event()  # never set: an interruptible sleep

    @property
    def address(self) -> DatabaseAddress:
        """Where the application finds its database.

        Raises:
            DatabaseUnavailable: this server was never started, so there is no database yet.
        """
        if not self.folder.data.is_dir():
            raise DatabaseUnavailable(
                "The private database does not exist yet: python -m backend serve makes it"
            )
        return DatabaseAddress(
            name=self._database,
            user=self._user,
            password=self.folder.password("app"),
            unix_socket=self.folder.socket,
        )

    @property
    def root_address(self) -> DatabaseAddress:
        """The administrator's way in, without a default database."""
        return DatabaseAddress(
            name="",
            user="root",
            password=self.folder.password("root"),
            unix_socket=self.folder.socket,
        )

    def start(self) -> DatabaseAddress:
        """Start the server, or adopt the one that runs already. Idempotent.

        Initialises the data folder on the first start, and again when an earlier initialisation
        did not reach its end. The application's account and database exist afterwards.

        Raises:
            ConfigError: no server program on this machine, or the folder is not usable.
            DatabaseUnavailable: the server did not come up; the sentence holds the log's end.
        """
        self._refuse_names()
        self.folder.create()
        with self.folder.locked(START_SECONDS) as lock:
            self.folder.join_users()
            try:
                self._start_locked(lock)
            except BaseException:
                self.folder.leave_users()
                raise
        return self.address

    def stop(self, *, even_if_shared: bool = False) -> bool:
        """Stop using the server, and stop the server itself when nobody else uses it.

        Waits until the process is gone. Idempotent.

        Args:
            even_if_shared: Stop the server although other processes use it.

        Returns:
            Whether no server runs any more.
        """
        if not self.folder.path.is_dir():
            return True
        with self.folder.locked(START_SECONDS):
            is_last = self.folder.leave_users()
            if not is_last and not even_if_shared:
                return False
            self._stop_locked()
            return True

    def is_running(self) -> bool:
        """Whether the server process of this folder exists and answers us."""
        return self.folder.server_pid() is not None and self._answers()

    @contextmanager
    def running(self) -> Iterator[DatabaseAddress]:
        """Use the server for a while: started or adopted, and stopped if nobody else needs it."""
        address = self.start()
        try:
            yield address
        finally:
            self.stop()

    def _refuse_names(self) -> None:
        """The application must not get what belongs to the server itself."""
        if not self._user.isprintable():
            raise ConfigError("DB_USER: only printable characters are allowed", key="DB_USER")
        if self._user.lower() in RESERVED_USERS:
            raise ConfigError(
                f"DB_USER: {self._user} belongs to the private database server", key="DB_USER"
            )
        if self._database.lower() in RESERVED_DATABASES:
            raise ConfigError(
                f"DB_NAME: {self._database} belongs to the private database server", key="DB_NAME"
            )

    def _start_locked(self, lock: int) -> None:
        pid = self.folder.server_pid()
        if pid is not None and self._adopt(pid):
            return
        self.folder.clear_stale()
        binary = find_server_binary()
        if not self.folder.data.is_dir():
            self._initialise(binary, lock)
        self._launch(binary)

    def _adopt(self, pid: int) -> bool:
        """Use the server that runs already; return False if it was just about to end.

        Raises:
            DatabaseUnavailable: it lives but does not answer.
        """
        if not self._wait_until_answering(pid):
            if self._is_alive(pid):
                self._raise_unavailable("does not answer", pid)
            return False
        self._apply_accounts()
        logger.info(
            "Using the private database that runs already",
            extra={"action": "private_database_adopted", "pid": pid},
        )
        return True

    def _initialise(self, binary: ServerBinary, lock: int) -> None:
        """Fill the data folder under another name, so that a half-filled one is never used.

        The installer inherits the lock: should we be killed, the next start waits for its end.
        """
        partial = self.folder.path / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        self.folder.give_to_server(partial)
        command = binary.initialise_command(partial, self._redo_bytes) + self._account_option()
        with self.folder.install_log.open("wb") as log:
            done = subprocess.run(  # noqa: S603 - no shell, a program of the system
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(self.folder.temporary)},
                pass_fds=(lock,),
                check=False,
            )
        if done.returncode != 0:
            tail = self.folder.log_tail(self.folder.install_log)
            raise DatabaseUnavailable(f"The private database could not be initialised:\n{tail}")
        partial.rename(self.folder.data)
        logger.info(
            "Created a private database in %s",
            self.folder.path,
            extra={"action": "private_database_created", "version": binary.version},
        )

    def _launch(self, binary: ServerBinary) -> None:
        if self._process is not None:
            # The one before was killed: take its exit status, which a busy machine delays.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=DYING_SECONDS)
        self.folder.write_private(self.folder.init_file, self._accounts_sql(binary.flavour))
        self.folder.give_to_server(self.folder.init_file)
        with self.folder.error_log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - no shell, a program of the system
                [*self._launcher, *self._server_command(binary)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder.path,
                start_new_session=True,  # Ctrl-C goes to us; we stop it when we are done
            )
        try:
            answering = self._wait_until_answering(self._process.pid)
        except BaseException:
            self._end(self._process.pid)
            raise
        finally:
            self.folder.init_file.unlink(missing_ok=True)
        if not answering:
            self._end(self._process.pid)
            self._raise_unavailable("did not come up", self._process.pid)
        logger.info(
            "Started the private database",
            extra={"action": "private_database_started", "pid": self._process.pid},
        )

    def _server_command(self, binary: ServerBinary) -> list[str]:
        options = {
            **binary.flavour_options(self._redo_bytes),
            **self._options,
            "datadir": str(self.folder.data),
            "socket": str(self.folder.socket),
            "pid-file": str(self.folder.pid_file),
            "init-file": str(self.folder.init_file),
            "tmpdir": str(self.folder.temporary),
        }
        words = [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]
        return [str(binary.program), "--no-defaults", *words, *self._account_option()]

    def _account_option(self) -> list[str]:
        return [f"--user={self.folder.account}"] if self.folder.account else []

    def _accounts_sql(self, flavour: str) -> str:
        """Return what the server runs before it accepts connections: one statement a line."""
        root, application = self.folder.password("root"), self.folder.password("app")
        lines = [f"ALTER USER 'root'@'localhost' IDENTIFIED BY {_text(root)};"]
        if flavour == "mariadb":
            host = _text(socket.gethostname().lower())
            others = f"''@'localhost', 'root'@'127.0.0.1', 'root'@'::1', 'root'@{host}"
            lines.append(f"DROP USER IF EXISTS {others};")
        return "\n".join([*lines, *self._application_sql(application)]) + "\n"

    def _application_sql(self, password: str) -> list[str]:
        account = f"{_text(self._user)}@'localhost'"
        pattern = self._database.replace("_", r"\_")  # in GRANT an underscore is a wildcard
        return [
            f"CREATE DATABASE IF NOT EXISTS `{self._database}`"
            " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY {_text(password)};",
            f"ALTER USER {account} IDENTIFIED BY {_text(password)};",
            f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO {account};",
        ]

    def _apply_accounts(self) -> None:
        """Give an adopted server the database and account of *this* configuration."""
        with contextlib.closing(connect(self.root_address)) as connection:
            for statement in self._application_sql(self.folder.password("app")):
                connection.cmd_query(statement.encode())

    def _wait_until_answering(self, pid: int) -> bool:
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            if self._answers():
                return True
            if not self._is_alive(pid):
                return False
            self._pause.wait(POLL_SECONDS)
        return False

    def _answers(self) -> bool:
        if not self.folder.socket.exists():
            return False
        try:
            connect(self.root_address).close()
        except mysql.connector.Error:
            return False
        return True

    def _is_alive(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        return self.folder.server_pid() == pid

    def _stop_locked(self) -> None:
        pid = self.folder.server_pid()
        if pid is not None:
            self._end(pid)
            logger.info(
                "Stopped the private database",
                extra={"action": "private_database_stopped", "pid": pid},
            )
        elif self._process is not None:
            self._process.wait()
        self._process = None
        self.folder.clear_stale()

    def _end(self, pid: int) -> None:
        """End a process of ours: politely, and after ``STOP_SECONDS`` by force (crash-safe)."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            for _ in range(int(STOP_SECONDS / POLL_SECONDS)):
                if not self._is_alive(pid):
                    return
                self._pause.wait(POLL_SECONDS)
            logger.warning(
                "The private database did not stop in time",
                extra={"action": "private_database_stop_late", "pid": pid},
            )

    def _raise_unavailable(self, what: str, pid: int) -> None:
        tail = self.folder.log_tail(self.folder.error_log)
        raise DatabaseUnavailable(
            f"The private database in {self.folder.path} {what} (process {pid}):\n{tail}", pid=pid
        )


def _text(value: str) -> str:
    """Quote a name or password for the start-up file, which knows no parameters."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
