"""From settings to a working database."""

from functools import partial

from backend.clock import Clock
from backend.config import Settings
from backend.db.connect import DatabaseAddress, connect
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.pool import Pool
from backend.errors import ConfigError


def address_of(settings: Settings) -> DatabaseAddress:
    """Return the address of the database that DB_HOST names.

    Raises:
        ConfigError: DB_HOST is not set; then ``local_server(settings)`` knows the address.
    """
    if settings.db_host is None:
        raise ConfigError("DB_HOST: not set, so there is no remote database", key="DB_HOST")
    return DatabaseAddress(
        name=settings.db_name,
        user=settings.db_user,
        password=settings.db_password.get_secret_value(),
        host=settings.db_host,
        port=settings.db_port,
    )


def local_server(settings: Settings) -> LocalServer:
    """Return the private server of these settings, not started."""
    return LocalServer(
        settings.local_dir / "mysql", database=settings.db_name, user=settings.db_user
    )


WEB_TIMEOUT_SECONDS = 6  # agents give up after 10: they must hear 503 from us before


def open_database(
    settings: Settings, clock: Clock, address: DatabaseAddress, *, timeout_seconds: int = 30
) -> Database:
    """Return the database at ``address``. Connects on first use; call it after forking.

    Args:
        settings: Size of the pool, and how long a caller waits for a connection.
        clock: For the age of idle connections.
        address: Where.
        timeout_seconds: How long one statement may take before the link counts as lost.
    """
    pool = Pool(
        partial(connect, address, timeout_seconds=timeout_seconds),
        size=settings.db_pool_size,
        wait_seconds=settings.db_pool_wait_seconds,
        clock=clock,
    )
    return Database(pool)
