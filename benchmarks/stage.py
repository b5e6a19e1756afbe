"""What is measured: a private database with fleets of several sizes, durable as in production."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.clock import Clock
from backend.config import Settings, read_settings
from backend.db.connect import connect
from backend.db.database import Database
from backend.db.migrations import Migrator
from backend.db.open import local_server, open_database
from backend.db.session import Session
from backend.services.secrets import NewSecret, new_client_token
from benchmarks import fleet


@dataclass(frozen=True, slots=True)
class Stage:
    """One fleet: a database of its own on the common server."""

    size: int
    environment: dict[str, str]
    settings: Settings
    database: Database
    token: NewSecret


@contextmanager
def staged(folder: Path, sizes: Sequence[int], clock: Clock) -> Iterator[list[Stage]]:
    """Start one private server with the product's own options, and a fleet of each size on it."""
    with ExitStack() as stack:
        yield [_stage(folder, size, clock, stack) for size in sizes]


def free_port() -> int:
    """Return a port of the loopback interface on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _stage(folder: Path, size: int, clock: Clock, stack: ExitStack) -> Stage:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    tuned = ("WEB_WORKERS", "WEB_THREADS", "DB_POOL_SIZE", "LOG_LEVEL")
    kept |= {name: os.environ[name] for name in tuned if name in os.environ}
    environment = {
        **kept,
        "LOCAL_DIR": str(folder),
        "DB_NAME": f"fleet_of_{size}",
        "PORT": str(free_port()),
        "SECRET_KEY": "only-for-a-benchmark-on-loopback",
    }
    settings = read_settings(environment, None)
    server = local_server(settings)
    address = server.start()
    stack.callback(server.stop, even_if_shared=True)
    Migrator(address, clock).up()
    token = new_client_token()
    with closing(connect(address)) as connection:
        fleet.seed(Session(connection), size, token, clock.now())
    database = open_database(settings, clock, address)
    stack.callback(database.close)
    return Stage(size, environment, settings, database, token)
