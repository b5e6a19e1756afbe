"""The database as the services see it: sessions, transactions, and their retries."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from backend.db.pool import Pool
from backend.db.session import Session
from backend.db.statements import Statement
from backend.errors import Deadlock

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.005

_BEGIN = Statement.compile("begin", "START TRANSACTION")
_COMMIT = Statement.compile("commit", "COMMIT")
_ROLLBACK = Statement.compile("rollback", "ROLLBACK")


class Transaction(Session):
    """A session inside a transaction. Nothing is kept unless ``commit`` is called."""

    committed = False

    def commit(self) -> None:
        """Make the work durable. A failing COMMIT raises like any other statement."""
        self.run(_COMMIT)
        self.committed = True


class Database:
    """Sessions and transactions over one pool. Thread-safe."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._pause = threading.Event()  # never set: an interruptible sleep

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend an autocommit session: each statement is its own transaction, no retry."""
        with self._pool.connection() as connection:
            yield Session(connection)

    def run(self, name: str, work: Callable[[Session], T]) -> T:
        """Run ``work`` on an autocommit session, again when the database reports a deadlock.

        For single statements and *sealed* procedures, which own their transaction: what is
        retried is the whole call, after an explicit rollback.

        Raises:
            Deadlock: every attempt met one.
        """

        def attempt() -> T:
            with self._pool.connection() as connection:
                return work(Session(connection))

        return self._retrying(name, attempt)

    def transact(self, name: str, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction and return its result.

        Rolled back unless ``work`` calls ``commit``. Retried as a whole on deadlock and lock
        wait, so ``work`` must do database work only.

        Raises:
            Deadlock: every attempt met one.
        """

        def attempt() -> T:
            with self._pool.connection() as connection:
                transaction = Transaction(connection)
                transaction.run(_BEGIN)
                result = work(transaction)
                if not transaction.committed:
                    transaction.run(_ROLLBACK)
                return result

        return self._retrying(name, attempt)

    def connections(self) -> tuple[int, int]:
        """Return how many pooled connections are idle, and how many there may be."""
        return self._pool.idle_count, self._pool.size

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _retrying(self, name: str, attempt: Callable[[], T]) -> T:
        for number in range(1, ATTEMPTS):
            try:
                return attempt()
            except Deadlock as error:
                logger.info(
                    "Retrying %s after a lock conflict (attempt %d)",
                    name,
                    number,
                    extra={"action": "transaction_retried", "transaction": name, **error.facts},
                )
                longest = FIRST_PAUSE_SECONDS * 2**number
                self._pause.wait(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
        return attempt()
