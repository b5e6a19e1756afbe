"""Session tokens of instance metadata version 2."""

import secrets
import threading

from simulator.clock import Clock

SHORTEST_TTL, LONGEST_TTL = 1, 21_600  # seconds


class Tokens:
    """Tokens of one instance. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._expiry: dict[str, float] = {}  # token: monotonic seconds

    def issue(self, ttl: str) -> str | None:
        """Return a new token that lives so many seconds; None when that is no allowed number."""
        if not ttl.isdigit() or not SHORTEST_TTL <= int(ttl) <= LONGEST_TTL:
            return None
        now = self._clock.monotonic()
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._expiry = {known: end for known, end in self._expiry.items() if end > now}
            self._expiry[token] = now + int(ttl)
        return token

    def is_valid(self, token: str) -> bool:
        """Whether the token was issued here and still lives."""
        with self._lock:
            return self._expiry.get(token, 0.0) > self._clock.monotonic()

    def revoke_all(self) -> None:
        """End every token, as a metadata service that was restarted does."""
        with self._lock:
            self._expiry.clear()
