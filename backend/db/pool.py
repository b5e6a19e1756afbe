"""A bounded pool of connections that waits instead of failing.

The driver's own pool raises at once when it is empty, pings on every check-out and resets the
session on every return; together that makes a pooled UPDATE 1.7 times slower. Here nothing sets
session state after connecting, so nothing has to be reset.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mysql.connector.connection_cext import CMySQLConnection

from backend.clock import Clock
from backend.db.errors import translate
from backend.errors import DatabaseUnavailable, PoolExhausted

PING_AFTER_IDLE_SECONDS = 10.0  # a restarted server or a cut firewall entry shows up as a dead link

_connecting = threading.Lock()  # the C library's first initialisation is not thread-safe


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: CMySQLConnection
    since: float


class Pool:
    """Hands out at most ``size`` connections; the next caller waits ``wait_seconds``.

    Thread-safe. Must be created after forking: connections do not survive a fork.
    """

    def __init__(
        self,
        connect: Callable[[], CMySQLConnection],
        *,
        size: int,
        wait_seconds: float,
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._slots = threading.BoundedSemaphore(size)
        self._idle: deque[_Idle] = deque()
        self._has_tried = False
        self.size = size

    @contextmanager
    def connection(self) -> Iterator[CMySQLConnection]:
        """Lend a connection, in autocommit mode and outside any transaction.

        Raises:
            PoolExhausted: none became free within the waiting time.
            DatabaseUnavailable: the server cannot be reached.
        """
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise PoolExhausted(size=self.size, waited_seconds=self._wait_seconds)
        try:
            connection = self._check_out()
            try:
                yield connection
            except DatabaseUnavailable:
                self._discard_all(connection)
                raise
            except BaseException:
                self._check_in_after_error(connection)
                raise
            else:
                self._check_in(connection)
        finally:
            self._slots.release()

    @property
    def idle_count(self) -> int:
        """How many open connections nobody uses at this moment."""
        return len(self._idle)

    def close(self) -> None:
        """Close the idle connections; lent ones are closed when they come back broken."""
        while self._idle:
            _close(self._idle.pop().connection)

    def _check_out(self) -> CMySQLConnection:
        while True:
            try:
                idle = self._idle.pop()
            except IndexError:
                return self._open()
            if self._clock.monotonic() - idle.since < PING_AFTER_IDLE_SECONDS:
                return idle.connection
            if idle.connection.is_connected():
                return idle.connection
            _close(idle.connection)

    def _open(self) -> CMySQLConnection:
        """Connect; only the first attempt is alone, or a server that hangs would be waited for in turn."""
        try:
            if not self._has_tried:
                with _connecting:
                    if not self._has_tried:
                        return self._connect_first()
            return self._connect()
        except Exception as error:
            raise translate(error) from error

    def _connect_first(self) -> CMySQLConnection:
        try:
            return self._connect()
        finally:
            self._has_tried = True

    def _check_in(self, connection: CMySQLConnection) -> None:
        self._idle.append(_Idle(connection, self._clock.monotonic()))

    def _check_in_after_error(self, connection: CMySQLConnection) -> None:
        """Roll back what the failed caller may have left open; a doubtful link is closed."""
        try:
            connection.cmd_query(b"ROLLBACK")
        except Exception:  # noqa: BLE001 - any failure means the same: do not reuse it
            _close(connection)
        else:
            self._check_in(connection)

    def _discard_all(self, connection: CMySQLConnection) -> None:
        """Drop a broken connection and its idle siblings, which are as dead."""
        _close(connection)
        self.close()


def _close(connection: CMySQLConnection) -> None:
    try:
        connection.close()
    except Exception:  # noqa: BLE001 - closing a dead link may fail in any way
        return
