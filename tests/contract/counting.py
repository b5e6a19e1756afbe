"""A database that counts what it is asked."""

from contextlib import closing, contextmanager
from typing import Any

from backend.clock import SystemClock
from backend.db.connect import DatabaseAddress, connect
from backend.db.database import Database
from backend.db.pool import Pool


class CountingConnection:
    """The driver's connection, and a note of every statement it sends."""

    def __init__(self, connection: Any, sent: list[bytes]) -> None:
        self._connection = connection
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cmd_query(self, query: bytes, *args: Any, **options: Any) -> Any:
        self._sent.append(bytes(query))
        return self._connection.cmd_query(query, *args, **options)


@contextmanager
def counted_database(address: DatabaseAddress, sent: list[bytes]):
    """A database over its own small pool that writes every statement into ``sent``."""
    pool = Pool(
        lambda: CountingConnection(connect(address), sent),
        size=2,
        wait_seconds=5.0,
        clock=SystemClock(),
    )
    with closing(Database(pool)) as database:
        yield database
