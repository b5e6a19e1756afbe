"""A real database for tests: one private server per test process, from a template made once.

The template is an initialised, migrated and stopped server folder under ``.local/test-template``,
named by what went into it. Copying it takes less than a tenth of a second.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from backend.clock import SystemClock
from backend.db.connect import DatabaseAddress, connect
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.migrations import Migrator
from backend.db.pool import Pool
from backend.db.server_binary import find_server_binary

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / ".local" / "test-template"
KEEP_SECONDS = 600.0  # another checkout state's template may be in use by a parallel run
KEPT_TABLES = frozenset({"schema_migrations", "schema_lock"})
REDO_BYTES = 8 * 1024 * 1024

# Nothing here outlives the test run, so nothing is flushed; events would act behind a test's back.
FAST_OPTIONS = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-buffer-pool-size": "64M",
    "innodb-lock-wait-timeout": "5",
    "event-scheduler": "OFF",
}
# The kernel ends the server when the test process dies, however it dies.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def private_server(folder: Path, options: dict[str, str] | None = None, **others) -> LocalServer:
    """A fast server that dies with this process; not started."""
    launcher = DIES_WITH_US if shutil.which(DIES_WITH_US[0]) else ()
    return LocalServer(
        folder,
        options={**FAST_OPTIONS, **(options or {})},
        redo_bytes=REDO_BYTES,
        launcher=launcher,
        **others,
    )


@contextmanager
def migrated_server(folder: Path, options: dict[str, str] | None = None) -> Iterator[LocalServer]:
    """A running server with the present schema; gone, with its folder, at the end."""
    copy_template(folder)
    server = private_server(folder, options)
    try:
        server.start()
        yield server
    finally:
        server.stop(even_if_shared=True)
        server.folder.remove()


def copy_template(folder: Path) -> None:
    """Make ``folder`` the home of a migrated server that does not run."""
    template = _template()
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(template), str(folder)], check=True)


def open_pool(address: DatabaseAddress, *, size: int = 8, wait_seconds: float = 5.0) -> Pool:
    """A pool as the product makes it."""
    return Pool(
        partial(connect, address), size=size, wait_seconds=wait_seconds, clock=SystemClock()
    )


def open_database(address: DatabaseAddress, **pool_options) -> Database:
    """A database over such a pool."""
    return Database(open_pool(address, **pool_options))


def empty_tables(address: DatabaseAddress) -> None:
    """Delete every row of every table that holds the product's data."""
    with closing(connect(address)) as connection:
        connection.cmd_query(
            b"SELECT TABLE_NAME FROM information_schema.TABLES"
            b" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
        )
        tables = {row[0] for row in connection.get_rows()[0]} - KEPT_TABLES
        connection.cmd_query(b"SET SESSION foreign_key_checks = 0")
        for table in tables:
            connection.cmd_query(f"DELETE FROM `{table}`".encode())


def _template() -> Path:
    """The folder of the template for the files as they are now; built by whoever comes first."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    wanted = TEMPLATES / _digest()
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.is_dir():
            _remove_old()
            building = TEMPLATES / "building"
            shutil.rmtree(building, ignore_errors=True)
            server = private_server(building)
            with server.running() as address:
                Migrator(address, SystemClock()).up()
            building.rename(wanted)
        os.utime(wanted)
    return wanted


def _digest() -> str:
    """Everything that a template depends on, as one short name."""
    binary = find_server_binary()
    digest = hashlib.sha256(f"{binary.flavour} {binary.version} {os.geteuid()}".encode())
    sources = [*(ROOT / "backend" / "db").glob("*.*"), *(ROOT / "database").glob("*/*.sql")]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _remove_old() -> None:
    for path in TEMPLATES.iterdir():
        if path.is_dir() and time.time() - path.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
