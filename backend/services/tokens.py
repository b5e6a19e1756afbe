"""Client tokens at the door: who shows this token? Asked on every call, so answered from memory."""

from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row
from backend.errors import Forbidden, SpotOptimizerError, Unauthenticated
from backend.repositories import tokens
from backend.services.callers import ClientCaller, Scope
from backend.services.expiring_cache import ExpiringCache
from backend.services.secrets import sha256_hex

CACHE_CAPACITY = 20_000  # tokens; 10,000 agents with a token each, and room
REFUSAL_CAPACITY = 2_000  # random tokens of an attacker may not push out good ones
REFUSAL_SECONDS = 1.0  # short: a resumed client must not wait
LAST_USED_EVERY = timedelta(minutes=1)  # one write a minute and token, however busy its agents
LONGEST_TOKEN = 200  # characters; ours have 38, the oldest installed ones fewer

Refusal = type[SpotOptimizerError]


class TokenAuthenticator:
    """Knows callers by their token. Thread-safe.

    A good answer is kept for ``cache_seconds``: so long may a revoked token still be honoured by
    this process, and so long does a hot call cost no database round trip.
    """

    def __init__(self, database: Database, clock: Clock, *, cache_seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._cache_seconds = cache_seconds
        self._callers: ExpiringCache[str, ClientCaller] = ExpiringCache(
            clock, capacity=CACHE_CAPACITY
        )
        self._refusals: ExpiringCache[str, tuple[Refusal, str]] = ExpiringCache(
            clock, capacity=REFUSAL_CAPACITY
        )

    def authenticate(self, token: str) -> ClientCaller:
        """Return the client that holds ``token``.

        Raises:
            Unauthenticated: the token is unknown, revoked or expired.
            Forbidden: the client is suspended.
        """
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated("The token is not known")
        key = sha256_hex(token)
        caller = self._callers.get(key)
        if caller is not None:
            return caller
        refusal = self._refusals.get(key)
        if refusal is not None:
            raise refusal[0](refusal[1])
        return self._look_up(key)

    def forget(self) -> None:
        """Drop every remembered answer: this process has just changed tokens or clients."""
        self._callers.clear()
        self._refusals.clear()

    def _look_up(self, key: str) -> ClientCaller:
        now = self._clock.now()
        row = self._database.run("find_token", lambda s: tokens.find_token(s, key))
        refusal = _refusal(row, now)
        if row is None or refusal is not None:
            kind, sentence = refusal or (Unauthenticated, "The token is not known")
            self._refusals.put(key, (kind, sentence), seconds=REFUSAL_SECONDS)
            raise kind(sentence)
        caller = ClientCaller(
            client_id=row["client_id"],
            client_name=row["client_name"],
            token_id=row["id"],
            scope=Scope(row["scope"]),
            client_email=row["client_email"],
        )
        self._callers.put(key, caller, seconds=self._remaining(row["expires_at"], now))
        self._note_use(row, now)
        return caller

    def _remaining(self, expires_at: datetime | None, now: datetime) -> float:
        if expires_at is None:
            return self._cache_seconds
        return min(self._cache_seconds, (expires_at - now).total_seconds())

    def _note_use(self, row: Row, now: datetime) -> None:
        used = row["last_used_at"]
        if used is None or now - used >= LAST_USED_EVERY:
            before = now - LAST_USED_EVERY
            self._database.run(
                "touch_token", lambda s: tokens.touch_token(s, row["id"], now=now, before=before)
            )


def _refusal(row: Row | None, now: datetime) -> tuple[Refusal, str] | None:
    if row is None:
        return Unauthenticated, "The token is not known"
    if row["revoked_at"] is not None:
        return Unauthenticated, "The token was revoked"
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return Unauthenticated, "The token has expired"
    if row["client_status"] != "active":
        return Forbidden, "The client is suspended"
    return None
