"""A client's tokens: made (shown once), listed (masked), replaced, revoked."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.errors import LimitReached, NotFound
from backend.repositories import clients, events, tokens
from backend.services import audit
from backend.services.callers import Actor, Scope
from backend.services.secrets import TOKEN_PREFIX, NewSecret, masked, new_client_token
from backend.services.tokens import TokenAuthenticator

DEFAULT_NAME = "default"  # the token that a client is born with, and that "regenerate" replaces
GRACE = timedelta(hours=24)  # agents are told the new token by hand, one after the other
MOST_TOKENS = 200  # per client, revoked ones included: as many as a list shows


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be stored."""

    client_id: str
    name: str
    scope: Scope
    expires_at: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    secret: NewSecret = field(default_factory=new_client_token)


def insert_token(session: Session, token: NewToken, now: datetime) -> None:
    """Store a token by its hash."""
    values = {
        "token_id": token.id,
        "client_id": token.client_id,
        "name": token.name,
        "scope": token.scope.value,
        "token_hash": token.secret.hash,
        "token_hint": token.secret.hint,
        "expires_at": token.expires_at,
        "now": now,
    }
    tokens.insert_token(session, values)


class ClientTokens:
    """Every change is audited in its own transaction. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, authenticator: TokenAuthenticator) -> None:
        self._database = database
        self._clock = clock
        self._authenticator = authenticator

    def create(
        self, client_id: str, name: str, scope: Scope, expires_at: datetime | None, actor: Actor
    ) -> dict[str, Any]:
        """Make another token; the answer is the only place where its text appears.

        Raises:
            NotFound: there is no such client.
            LimitReached: the client has 200 tokens.
        """
        token = NewToken(client_id, name, scope, expires_at)
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            _client(tx, client_id)
            if len(tokens.list_tokens(tx, client_id)) >= MOST_TOKENS:
                raise LimitReached(f"A client may have {MOST_TOKENS} tokens", client_id=client_id)
            insert_token(tx, token, now)
            details = {"name": name, "scope": scope.value}
            change = audit.Change("token_created", "client_token", token.id, client_id, details)
            audit.record(tx, actor, change, now)
            tx.commit()

        self._database.transact("create_token", work)
        return {
            "id": token.id,
            "name": name,
            "scope": scope.value,
            "token": token.secret.text,
            "expires_at": expires_at,
        }

    def list(self, client_id: str) -> list[dict[str, Any]]:
        """Return a client's tokens, masked, newest first.

        Raises:
            NotFound: there is no such client.
        """

        def work(session: Session) -> list[Row]:
            _client(session, client_id)
            return tokens.list_tokens(session, client_id)

        return [_shown(row) for row in self._database.run("list_tokens", work)]

    def show(self, client_id: str) -> tuple[str, str | None]:
        """Return the client's name and the present default token, masked; None when all ended.

        Raises:
            NotFound: there is no such client.
        """
        now = self._clock.now()

        def work(session: Session) -> tuple[Row, Row | None]:
            client = _client(session, client_id)
            return client, tokens.find_current_token(session, client_id, DEFAULT_NAME, now)

        client, row = self._database.run("show_token", work)
        return client["name"], masked(TOKEN_PREFIX, row["token_hint"]) if row else None

    def regenerate(self, client_id: str, actor: Actor, *, revoke_now: bool) -> str:
        """Replace the default token; the old one ends now, or after 24 hours.

        The new token has the old one's scope. Tokens of other names are not touched.

        Raises:
            NotFound: there is no such client.
        """
        now = self._clock.now()
        until = now if revoke_now else now + GRACE

        def work(tx: Transaction) -> str:
            client = _client(tx, client_id)
            old = tokens.find_current_token(tx, client_id, DEFAULT_NAME, now)
            scope = Scope(old["scope"]) if old else Scope.BOTH
            token = NewToken(client_id, DEFAULT_NAME, scope)
            tokens.limit_tokens(tx, client_id, DEFAULT_NAME, until)
            insert_token(tx, token, now)
            details = {"revoke_now": revoke_now}
            change = audit.Change("token_regenerated", "client_token", token.id, client_id, details)
            audit.record(tx, actor, change, now)
            _tell_regenerated(tx, client, now)
            tx.commit()
            return token.secret.text

        text = self._database.transact("regenerate_token", work)
        self._authenticator.forget()
        return text

    def revoke(self, client_id: str, token_id: str, actor: Actor) -> None:
        """End a token for good. Idempotent.

        Raises:
            NotFound: the client has no such token.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            if not tokens.revoke_token(tx, client_id, token_id, now):
                raise NotFound("There is no such token", client_id=client_id, token_id=token_id)
            change = audit.Change("token_revoked", "client_token", token_id, client_id)
            audit.record(tx, actor, change, now)
            tx.commit()

        self._database.transact("revoke_token", work)
        self._authenticator.forget()


def _client(session: Session, client_id: str) -> Row:
    row = clients.find_client(session, client_id)
    if row is None:
        raise NotFound("There is no such client", client_id=client_id)
    return row


def _tell_regenerated(tx: Transaction, client: Row, now: datetime) -> None:
    message = f"The token of client {client['name']} was replaced"
    events.record_event(
        tx,
        event_type="token_regenerated",
        severity="warning",
        message=message,
        client_id=client["id"],
        now=now,
    )
    events.notify(
        tx,
        notification_type="token_regenerated",
        severity="warning",
        message=message,
        client_id=client["id"],
        now=now,
    )


def _shown(row: Row) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "token_hint"}
    shown["token"] = masked(TOKEN_PREFIX, row["token_hint"])
    return shown
