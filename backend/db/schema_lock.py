"""Only one process changes the schema at a time, over any number of nodes.

The lock is a row with an expiry, not GET_LOCK, which a cluster grants on two nodes at once. While
it is held, a thread keeps moving the expiry, so that a long ALTER keeps its lock and the lock of a
killed process frees itself.
"""

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import mysql.connector

from backend.clock import Clock
from backend.db.connect import DatabaseAddress, connect
from backend.db.session import Session
from backend.db.statements import beside
from backend.errors import DatabaseError, LimitReached

logger = logging.getLogger(__name__)

NAMED_SQL = beside(__file__)

LEASE = timedelta(seconds=30)
RENEW_SECONDS = 10.0
POLL_SECONDS = 0.2


class SchemaLocked(LimitReached):
    """Another process is changing the schema; try again later."""

    code = "schema_locked"


class HeldLock:
    """The lock as its holder sees it."""

    def __init__(self) -> None:
        self._lost = threading.Event()

    def lose(self) -> None:
        """Note that another process has the lock now."""
        self._lost.set()

    def verify(self) -> None:
        """Raise SchemaLocked when the lock was lost meanwhile: the holder must stop at once."""
        if self._lost.is_set():
            raise SchemaLocked("The schema lock was lost to another process")


class SchemaLock:
    """The lock of one database."""

    def __init__(self, address: DatabaseAddress, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"
        self._pause = threading.Event()  # never set: an interruptible sleep

    @contextmanager
    def held(self, session: Session, *, wait_seconds: float) -> Iterator[HeldLock]:
        """Hold the lock; make its table first if need be.

        Args:
            session: An autocommit session.
            wait_seconds: How long to wait for another holder; a dead one's lease ends after 30 s.

        Raises:
            SchemaLocked: another process kept the lock all the time.
        """
        session.run(NAMED_SQL["create_lock_table"])
        self._acquire(session, wait_seconds)
        held, stop = HeldLock(), threading.Event()
        renewer = threading.Thread(
            target=self._renew, args=(held, stop), name="schema-lock", daemon=True
        )
        renewer.start()
        try:
            yield held
        finally:
            stop.set()
            renewer.join()
            # A lease that cannot be given back, for the link is dead, ends by itself.
            with contextlib.suppress(DatabaseError):
                session.run(NAMED_SQL["release"], {"owner": self._owner})

    def _acquire(self, session: Session, wait_seconds: float) -> None:
        owner = ""
        for _ in range(max(1, int(wait_seconds / POLL_SECONDS))):
            now = self._clock.now()
            session.run(
                NAMED_SQL["acquire"], {"owner": self._owner, "now": now, "expires_at": now + LEASE}
            )
            holder = session.row(NAMED_SQL["holder"])
            owner = holder["owner"] if holder else ""  # given back between our two statements
            if owner == self._owner:
                return
            self._pause.wait(POLL_SECONDS)
        raise SchemaLocked(f"The schema is being changed by {owner}; try again in a minute")

    def _renew(self, held: HeldLock, stop: threading.Event) -> None:
        """Move the expiry until told to stop. Runs in its own thread, on its own connection."""
        while not stop.wait(RENEW_SECONDS):
            try:
                with contextlib.closing(connect(self._address)) as connection:
                    expires_at = self._clock.now() + LEASE
                    params = {"owner": self._owner, "expires_at": expires_at}
                    if Session(connection).run(NAMED_SQL["renew"], params) == 0:
                        held.lose()
                        return
            except (DatabaseError, mysql.connector.Error) as error:
                # Not fatal: two more tries fit into the lease, and whoever takes over is noticed.
                logger.warning(
                    "Could not renew the schema lock",
                    extra={"action": "schema_lock_not_renewed", "error": type(error).__name__},
                )
