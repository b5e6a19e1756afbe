"""Signing in: passwords become browser sessions, and guessing becomes slow."""

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address, ip_network
from threading import Lock
from uuid import uuid4

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.errors import LimitReached, Unauthenticated
from backend.repositories import operators
from backend.services import audit
from backend.services.callers import Actor, OperatorCaller, Role
from backend.services.passwords import is_password
from backend.services.secrets import new_session_token, sha256_hex

logger = logging.getLogger(__name__)

FAILURES_UNTIL_LOCK = 5  # a person who mistypes stops earlier; a guesser gets 480 tries a day
LOCK_FOR = timedelta(minutes=15)
ADDRESS_FAILURES = (
    20  # per address and quarter of an hour, over all names; an office shares one address
)
WINDOW_SECONDS = 900.0
KEYS_KEPT = 10_000
IDLE_FOR = timedelta(hours=8)  # a working day: nobody signs in again after lunch
SESSION_FOR = timedelta(days=7)  # a stolen cookie dies within the week, however busy
TOUCH_EVERY = timedelta(minutes=1)

_WRONG = "The name or the password is wrong; after 5 failures wait 15 minutes"
_SUBSCRIBER_BITS = 64  # of an IPv6 address; the other half is the subscriber's to vary


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the operator, and the cookie's secret."""

    operator: OperatorCaller
    token: str = field(repr=False)
    lasts: timedelta = SESSION_FOR


class SignIn:
    """Browser sessions of operators. Thread-safe.

    The lock of an account is stored and holds on every node; the counts per address and per name
    are this process's own. A process says "too many" only by its own count, for names that exist
    and for those that do not: the stored lock must not tell the ones from the others.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._addresses = _Failures(clock, limit=ADDRESS_FAILURES)
        self._names = _Failures(clock, limit=FAILURES_UNTIL_LOCK)

    def sign_in(
        self, username: str, password: str, *, address: str | None, user_agent: str | None
    ) -> SignedIn:
        """Check a password and open a session. Takes as long for unknown names.

        Raises:
            Unauthenticated: wrong name or password, or the operator is disabled.
            LimitReached: too many failures of this account or this address.
        """
        self._addresses.check(network_of(address))
        row = self._database.run("find_operator", lambda s: operators.find_by_username(s, username))
        is_locked = row is not None and self._is_locked(row)
        if row is None or is_locked:
            self._names.check(sha256_hex(username))
        matches = is_password(row["password_hash"] if row else None, password)
        if row is None or is_locked or not matches or not row["is_active"]:
            self._note_failure(None if is_locked else row, username, address)
            raise Unauthenticated(_WRONG)
        return self._open(row, address, user_agent)

    def authenticate(self, token: str) -> OperatorCaller:
        """Return the operator of a session's cookie and note the use, at most once a minute.

        Raises:
            Unauthenticated: the session is unknown or over, or the operator is disabled.
        """
        now = self._clock.now()
        token_hash = sha256_hex(token)
        row = self._database.run("find_session", lambda s: operators.find_session(s, token_hash))
        if row is None or not row["is_active"]:
            raise Unauthenticated("You are not signed in")
        if row["expires_at"] <= now or now - row["last_seen_at"] >= IDLE_FOR:
            raise Unauthenticated("The session is over; sign in again")
        if now - row["last_seen_at"] >= TOUCH_EVERY:
            self._database.run(
                "touch_session", lambda s: operators.touch_session(s, row["id"], now)
            )
        return OperatorCaller(row["operator_id"], row["username"], Role(row["role"]), "session")

    def sign_out(self, token: str) -> None:
        """End a session. Idempotent."""
        token_hash = sha256_hex(token)
        self._database.run("delete_session", lambda s: operators.delete_session(s, token_hash))

    def _open(self, row: Row, address: str | None, user_agent: str | None) -> SignedIn:
        secret = new_session_token()
        now = self._clock.now()
        values = {
            "session_id": str(uuid4()),
            "operator_id": row["id"],
            "token_hash": secret.hash,
            "now": now,
            "expires_at": now + SESSION_FOR,
            "remote_address": address,
            "user_agent": (user_agent or "")[:255] or None,
        }
        actor = Actor("operator", row["username"], row["id"], address)

        def work(tx: Transaction) -> None:
            operators.delete_expired_sessions(tx, row["id"], now)
            operators.insert_session(tx, values)
            operators.note_sign_in(tx, row["id"], now)
            audit.record(tx, actor, audit.Change("signed_in", "operator", row["id"]), now)
            tx.commit()

        self._database.transact("sign_in", work)
        caller = OperatorCaller(row["id"], row["username"], Role(row["role"]), "session")
        return SignedIn(caller, secret.text)

    def _is_locked(self, row: Row) -> bool:
        return row["locked_until"] is not None and row["locked_until"] > self._clock.now()

    def _note_failure(self, row: Row | None, username: str, address: str | None) -> None:
        self._addresses.count(network_of(address))
        self._names.count(sha256_hex(username))
        logger.warning(
            "A sign-in failed", extra={"action": "sign_in_failed", "remote_address": address}
        )
        if row is None:
            return
        now = self._clock.now()
        self._database.run(
            "note_failure",
            lambda s: operators.note_failure(
                s, row["id"], limit=FAILURES_UNTIL_LOCK, locked_until=now + LOCK_FOR, now=now
            ),
        )


class _Failures:
    """Counts failures per key in a sliding window; bounded, so keys must be short."""

    def __init__(self, clock: Clock, *, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._instants: dict[str, deque[float]] = {}
        self._lock = Lock()

    def check(self, key: str) -> None:
        with self._lock:
            instants = self._instants.get(key)
            start = self._clock.monotonic() - WINDOW_SECONDS
            while instants and instants[0] <= start:
                instants.popleft()
            if instants is None or len(instants) < self._limit:
                return
            waits = instants[0] - start
        raise _too_many(waits)

    def count(self, key: str) -> None:
        with self._lock:
            if len(self._instants) >= KEYS_KEPT:
                del self._instants[next(iter(self._instants))]
            self._instants.setdefault(key, deque()).append(self._clock.monotonic())


def network_of(address: str | None) -> str:
    """Return what one guesser commands: an IPv4 address, or the network of an IPv6 address."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return (address or "")[:64]
    if found.version == 4:  # noqa: PLR2004 - of the Internet Protocol
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _SUBSCRIBER_BITS), strict=False))


def _too_many(seconds: float) -> LimitReached:
    return LimitReached("Too many failures; try again later", retry_after_seconds=int(seconds) + 1)
