"""Clients: made, suspended, resumed, deleted. Their tokens: ``client_tokens``."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.errors import AlreadyExists, NotFound, UniqueViolation
from backend.repositories import clients, events
from backend.services import audit
from backend.services.callers import Actor, Scope
from backend.services.client_tokens import DEFAULT_NAME, NewToken, insert_token
from backend.services.tokens import TokenAuthenticator


class Clients:
    """The life of a tenant. Every change is audited in its own transaction. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, authenticator: TokenAuthenticator) -> None:
        self._database = database
        self._clock = clock
        self._authenticator = authenticator

    def create(
        self, name: str, email: str | None, actor: Actor, scope: Scope = Scope.BOTH
    ) -> tuple[Row, str]:
        """Make a client with its first token; return its row and the token's text, shown once.

        Raises:
            AlreadyExists: another client has this name.
        """
        client_id = str(uuid4())
        now = self._clock.now()
        token = NewToken(client_id, DEFAULT_NAME, scope)

        def work(tx: Transaction) -> Row:
            clients.insert_client(tx, client_id=client_id, name=name, email=email, now=now)
            insert_token(tx, token, now)
            _tell(
                tx, actor, audit.Change("client_created", "client", client_id, client_id), name, now
            )
            row = clients.find_client(tx, client_id)
            tx.commit()
            return row or {}

        try:
            row = self._database.transact("create_client", work)
        except UniqueViolation as error:
            raise AlreadyExists("A client of this name exists already", name=name) from error
        return row, token.secret.text

    def list(self) -> list[dict[str, Any]]:
        """Return the clients by name, at most 1000."""
        return self._database.run("list_clients", clients.list_clients)

    def get(self, client_id: str) -> Row:
        """Return a client.

        Raises:
            NotFound: there is no such client.
        """
        row = self._database.run("find_client", lambda s: clients.find_client(s, client_id))
        if row is None:
            raise unknown_client(client_id)
        return row

    def resolve(self, name_or_id: str) -> str:
        """Return the id of the client with this name or id, for people at the command line.

        Raises:
            NotFound: there is no such client.
        """
        found = self._database.run(
            "find_client_id", lambda s: clients.find_client_id(s, name_or_id)
        )
        if found is None:
            raise unknown_client(name_or_id)
        return found

    def suspend(self, client_id: str, actor: Actor) -> None:
        """Refuse all the client's tokens until resumed. Idempotent.

        Raises:
            NotFound: there is no such client.
        """
        self._set_status(client_id, "suspended", "client_suspended", actor)

    def resume(self, client_id: str, actor: Actor) -> None:
        """Accept the client's tokens again. Idempotent.

        Raises:
            NotFound: there is no such client.
        """
        self._set_status(client_id, "active", "client_resumed", actor)

    def delete(self, client_id: str, actor: Actor) -> str:
        """Delete a client with everything of theirs; return the name. The audit log stays.

        Raises:
            NotFound: there is no such client.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> str:
            row = clients.find_client(tx, client_id)
            if row is None or not clients.delete_client(tx, client_id):
                raise unknown_client(client_id)
            name = str(row["name"])
            details = {"name": name}
            change = audit.Change("client_deleted", "client", client_id, client_id, details)
            audit.record(tx, actor, change, now)
            events.record_event(
                tx,
                event_type="client_deleted",
                severity="warning",
                message=f"Client {name} was deleted",
                details={"client_id": client_id, **details},
                now=now,
            )
            tx.commit()
            return name

        name = self._database.transact("delete_client", work)
        self._authenticator.forget()
        return name

    def _set_status(self, client_id: str, status: str, action: str, actor: Actor) -> None:
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            row = clients.find_client(tx, client_id)
            if row is None or not clients.set_status(tx, client_id, status, now):
                raise unknown_client(client_id)
            details = {"status": {"before": row["status"], "after": status}}
            change = audit.Change(action, "client", client_id, client_id, details)
            _tell(tx, actor, change, str(row["name"]), now)
            tx.commit()

        self._database.transact(action, work)
        self._authenticator.forget()


def unknown_client(client_id: str) -> NotFound:
    """Return the error for a client that does not exist."""
    return NotFound("There is no such client", client_id=client_id)


def _tell(tx: Transaction, actor: Actor, change: audit.Change, name: str, now: datetime) -> None:
    audit.record(tx, actor, change, now)
    message = f"{change.action.replace('_', ' ').capitalize()}: {name}"
    events.record_event(
        tx, event_type=change.action, message=message, client_id=change.client_id, now=now
    )
    events.notify(
        tx, notification_type=change.action, message=message, client_id=change.client_id, now=now
    )
