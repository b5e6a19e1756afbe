"""Freezing: an operator stops what the program would do by itself, and it is seen by everybody."""

from typing import Literal

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.domain.freezing import FreezeLevel, kept
from backend.errors import InvalidRequest, NotFound
from backend.repositories import events, freezes
from backend.services import audit
from backend.services.callers import Actor

Scope = Literal["global", "client", "agent"]
_WORDS = {
    FreezeLevel.NONE: "goes on",
    FreezeLevel.VOLUNTARY: "stands still, emergencies excepted",
    FreezeLevel.ALL: "stands still, emergencies included",
}


class Freezes:
    """Keeps what is frozen. Idempotent; every change is audited in its own transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def set_level(
        self, scope: Scope, subject_id: str | None, level: FreezeLevel, actor: Actor
    ) -> None:
        """Freeze everything, a client or an agent; ``none`` ends that freeze and no other.

        Raises:
            InvalidRequest: a client or agent is meant and not named, or named and not meant.
            NotFound: there is no such client or agent.
        """
        if (scope == "global") is (subject_id is not None):
            raise InvalidRequest(
                "id names the client or agent; a global freeze has none", field="id"
            )
        subject = subject_id or "everything"

        def work(tx: Transaction) -> str | None:
            before = freezes.find_level(tx, scope, subject) or FreezeLevel.NONE.value
            client_id = self._write(tx, scope, subject, level)
            self._tell(tx, scope, subject, client_id, (before, level), actor)
            tx.commit()
            return client_id

        client_id = self._database.transact("freeze", work)
        # Only after the change: who looks at the news must find it. Many rows, so not within.
        self._database.run(
            "tell_of_freeze",
            lambda s: freezes.tell_news(
                s, client_id=client_id, agent_id=subject if scope == "agent" else None
            ),
        )

    def _write(self, tx: Transaction, scope: Scope, subject: str, level: FreezeLevel) -> str | None:
        now = self._clock.now()
        if scope == "global":
            freezes.freeze_everything(tx, level, now)
            return None
        if scope == "client":
            if not freezes.freeze_client(tx, subject, kept(level), now):
                raise NotFound("There is no such client", field="id")
            return subject
        client_id = freezes.freeze_agent(tx, subject, kept(level), now)
        if client_id is None:
            raise NotFound("Unknown agent", field="id")
        return client_id

    def _tell(
        self,
        tx: Transaction,
        scope: Scope,
        subject: str,
        client_id: str | None,
        levels: tuple[str, FreezeLevel],
        actor: Actor,
    ) -> None:
        before, level = levels
        now = self._clock.now()
        agent_id = subject if scope == "agent" else None
        details = {"scope": scope, "level": {"before": before, "after": level.value}}
        change = audit.Change("freeze_changed", scope, subject, client_id, details)
        audit.record(tx, actor, change, now)
        message = f"{scope} {subject} {_WORDS[level]} ({actor.name})"
        severity = "info" if level is FreezeLevel.NONE else "warning"
        events.record_event(
            tx,
            event_type="freeze_changed",
            severity=severity,
            message=message,
            client_id=client_id,
            agent_id=agent_id,
            now=now,
        )
        events.notify(
            tx,
            notification_type="freeze_changed",
            severity=severity,
            message=message,
            client_id=client_id,
            agent_id=agent_id,
            now=now,
        )
