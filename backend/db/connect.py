"""Open one connection with the options that every session of this product shares."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mysql.connector
from mysql.connector.connection_cext import CMySQLConnection
from mysql.connector.constants import ClientFlag

COLLATION = "utf8mb4_bin"  # exact and the same on MySQL and MariaDB: ids and names compare by byte
SQL_MODE = "TRADITIONAL,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is and who we are there. The password has no repr."""

    name: str
    user: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 3306
    unix_socket: Path | None = None


def connect(
    address: DatabaseAddress, *, database: str | None = None, timeout_seconds: int = 30
) -> CMySQLConnection:
    """Open a connection: autocommit, UTC, READ COMMITTED, matched-row counts, C extension.

    Args:
        address: The server and the account.
        database: Another default database than the address names; "" for none.
        timeout_seconds: How long one read or write may take before the link counts as lost.

    Raises:
        mysql.connector.Error: whatever the driver says; the pool translates it.
    """
    where: dict[str, Any] = (
        {"unix_socket": str(address.unix_socket)}
        if address.unix_socket
        else {"host": address.host, "port": address.port}
    )
    connection = mysql.connector.connect(
        **where,
        user=address.user,
        password=address.password,
        database=address.name if database is None else database,
        charset="utf8mb4",
        collation=COLLATION,
        time_zone="+00:00",
        sql_mode=SQL_MODE,
        autocommit=True,
        use_pure=False,
        client_flags=[ClientFlag.FOUND_ROWS],
        connection_timeout=5,
        read_timeout=timeout_seconds,
        write_timeout=timeout_seconds,
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        **({"ssl_disabled": True} if address.unix_socket else {}),
    )
    assert isinstance(connection, CMySQLConnection)  # noqa: S101 - use_pure=False promises it
    return connection
