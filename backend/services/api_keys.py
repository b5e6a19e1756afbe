"""Operators' API keys: made, listed, revoked, and recognised at the door."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.errors import Forbidden, NotFound, Unauthenticated
from backend.repositories import operators
from backend.services import audit
from backend.services.callers import Actor, OperatorCaller, Role
from backend.services.secrets import API_KEY_PREFIX, masked, new_api_key, sha256_hex

LAST_USED_EVERY = timedelta(minutes=1)


class ApiKeys:
    """API keys act with the present role of their operator. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def authenticate(self, key: str) -> OperatorCaller:
        """Return the operator who holds ``key``. Not cached: operators' calls are rare.

        Raises:
            Unauthenticated: the key is unknown, revoked or expired.
            Forbidden: the operator is disabled.
        """
        now = self._clock.now()
        key_hash = sha256_hex(key)
        row = self._database.run("find_api_key", lambda s: operators.find_api_key(s, key_hash))
        if row is None:
            raise Unauthenticated("The API key is not known")
        if row["revoked_at"] is not None:
            raise Unauthenticated("The API key was revoked")
        if row["expires_at"] is not None and row["expires_at"] <= now:
            raise Unauthenticated("The API key has expired")
        if not row["is_active"]:
            raise Forbidden("This operator is disabled")
        self._note_use(row, now)
        return OperatorCaller(row["operator_id"], row["username"], Role(row["role"]), "api_key")

    def create(
        self, operator_id: str, name: str, expires_at: datetime | None, actor: Actor
    ) -> dict[str, Any]:
        """Make a key for an operator; the answer is the only place where its text appears."""
        secret = new_api_key()
        now = self._clock.now()
        key_id = str(uuid4())
        values = {
            "key_id": key_id,
            "operator_id": operator_id,
            "name": name,
            "key_hash": secret.hash,
            "key_hint": secret.hint,
            "expires_at": expires_at,
            "now": now,
        }

        def work(tx: Transaction) -> None:
            operators.insert_api_key(tx, values)
            change = audit.Change("api_key_created", "api_key", key_id, details={"name": name})
            audit.record(tx, actor, change, now)
            tx.commit()

        self._database.transact("create_api_key", work)
        return {"id": key_id, "name": name, "key": secret.text, "expires_at": expires_at}

    def list(self, operator_id: str | None) -> list[dict[str, Any]]:
        """Return the keys of an operator, or of all for None, masked."""
        rows = self._database.run(
            "list_api_keys", lambda s: operators.list_api_keys(s, operator_id)
        )
        return [_shown(row) for row in rows]

    def revoke(self, key_id: str, operator_id: str | None, actor: Actor) -> None:
        """Revoke a key of an operator, or anybody's for None. Idempotent.

        Raises:
            NotFound: there is no such key.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            if not operators.revoke_api_key(tx, key_id, operator_id, now):
                raise NotFound("There is no such API key", key_id=key_id)
            audit.record(tx, actor, audit.Change("api_key_revoked", "api_key", key_id), now)
            tx.commit()

        self._database.transact("revoke_api_key", work)

    def _note_use(self, row: Row, now: datetime) -> None:
        used = row["last_used_at"]
        if used is None or now - used >= LAST_USED_EVERY:
            before = now - LAST_USED_EVERY
            self._database.run(
                "touch_api_key",
                lambda s: operators.touch_api_key(s, row["id"], now=now, before=before),
            )


def _shown(row: Row) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "key_hint"}
    shown["key"] = masked(API_KEY_PREFIX, row["key_hint"])
    return shown
