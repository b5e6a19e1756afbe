"""Operators: made, changed, deleted; never without an admin who can sign in."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.errors import AlreadyExists, Conflict, InvalidRequest, NotFound, UniqueViolation
from backend.repositories import operators
from backend.services import audit
from backend.services.callers import Actor, Role
from backend.services.passwords import hash_password

USERNAME_PATTERN = r"^[A-Za-z0-9._@-]{1,100}$"


class Operators:
    """The accounts of the people who run the fleet. Thread-safe."""

    def __init__(
        self, database: Database, clock: Clock, on_password_gone: Callable[[str], None]
    ) -> None:
        """Remember the collaborators.

        Args:
            database: Where the accounts are.
            clock: The time.
            on_password_gone: Told the name of an operator whose password holds no longer.
        """
        self._database = database
        self._clock = clock
        self._on_password_gone = on_password_gone

    def create(self, username: str, password: str, role: Role, actor: Actor) -> dict[str, Any]:
        """Make an operator.

        Raises:
            AlreadyExists: the name is taken.
            InvalidRequest: the name has other characters than letters, digits and ``._@-``, or
                the password is too short or too long.
        """
        if not re.fullmatch(USERNAME_PATTERN, username):
            sentence = "must have 1 to 100 letters, digits or . _ @ -"
            raise InvalidRequest(f"The name {sentence}", fields={"username": [sentence]})
        operator_id = str(uuid4())
        now = self._clock.now()
        values = {
            "operator_id": operator_id,
            "username": username,
            "password_hash": hash_password(password),
            "role": role.value,
            "now": now,
        }
        details = {"username": username, "role": role.value}

        def work(tx: Transaction) -> Row:
            operators.insert_operator(tx, values)
            change = audit.Change("operator_created", "operator", operator_id, details=details)
            audit.record(tx, actor, change, now)
            row = _existing(tx, operator_id)
            tx.commit()
            return row

        try:
            return _shown(self._database.transact("create_operator", work))
        except UniqueViolation as error:
            raise AlreadyExists("An operator of this name exists", username=username) from error

    def list(self) -> list[dict[str, Any]]:
        """Return the operators by name, at most 500."""
        return [_shown(r) for r in self._database.run("list_operators", operators.list_operators)]

    def count(self) -> int:
        """Return how many operators exist."""
        return self._database.run("count_operators", operators.count_operators)

    def update(
        self,
        operator_id: str,
        actor: Actor,
        *,
        role: Role | None = None,
        is_active: bool | None = None,
        password: str | None = None,
    ) -> dict[str, Any]:
        """Change role, activity or password; None leaves a thing as it is.

        A new password or disabling ends the operator's sessions; a new role holds in them at once.

        Raises:
            NotFound: there is no such operator.
            Conflict: they are the last active admin and would no longer be.
            InvalidRequest: the password is too short or too long.
        """
        password_hash = hash_password(password) if password is not None else None
        now = self._clock.now()

        def work(tx: Transaction) -> Row:
            admins = operators.claim_active_admins(tx, now)
            row = _existing(tx, operator_id)
            new_role = role or Role(row["role"])
            active = bool(row["is_active"]) if is_active is None else is_active
            if not (active and new_role is Role.ADMIN):
                _refuse_last_admin(admins, operator_id)
            operators.update_operator(
                tx, operator_id, role=new_role.value, is_active=active, now=now
            )
            if password_hash is not None:
                operators.set_password(tx, operator_id, password_hash, now)
            if password_hash is not None or not active:
                operators.delete_sessions_of(tx, operator_id)
            after = _existing(tx, operator_id)
            changed = {} if password_hash is None else {"password": "changed"}
            details = {**_differences(row, after), **changed}
            change = audit.Change("operator_changed", "operator", operator_id, details=details)
            audit.record(tx, actor, change, now)
            row = after
            tx.commit()
            return row

        row = self._database.transact("update_operator", work)
        if password_hash is not None:
            self._on_password_gone(row["username"])
        return _shown(row)

    def delete(self, operator_id: str, actor: Actor) -> None:
        """Delete an operator with sessions and API keys.

        Raises:
            NotFound: there is no such operator.
            Conflict: they are the last active admin.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> str:
            admins = operators.claim_active_admins(tx, now)
            row = _existing(tx, operator_id)
            _refuse_last_admin(admins, operator_id)
            operators.delete_operator(tx, operator_id)
            details = {"username": row["username"]}
            change = audit.Change("operator_deleted", "operator", operator_id, details=details)
            audit.record(tx, actor, change, now)
            tx.commit()
            return str(row["username"])

        self._on_password_gone(self._database.transact("delete_operator", work))

    def resolve(self, username: str) -> str:
        """Return the id of the operator of this name.

        Raises:
            NotFound: there is no such operator.
        """
        row = self._database.run("find_operator", lambda s: operators.find_by_username(s, username))
        if row is None:
            raise NotFound("There is no such operator", username=username)
        return str(row["id"])


def _existing(tx: Transaction, operator_id: str) -> Row:
    row = operators.find_operator(tx, operator_id)
    if row is None:
        raise NotFound("There is no such operator", operator_id=operator_id)
    return row


def _differences(before: Row, after: Row) -> dict[str, Any]:
    shown = {"role": str, "is_active": bool}
    return {
        name: {"before": read(before[name]), "after": read(after[name])}
        for name, read in shown.items()
        if before[name] != after[name]
    }


def _refuse_last_admin(admins: list[str], operator_id: str) -> None:
    if admins == [operator_id]:
        raise Conflict("The last active admin must remain one", operator_id=operator_id)


def _shown(row: Row) -> dict[str, Any]:
    return {**row, "is_active": bool(row["is_active"])}
