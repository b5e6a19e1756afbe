"""Deleting an agent: it is steered no more. Its instances keep running; nobody ends them here."""

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.domain.agent_config import config_from
from backend.domain.agent_settings import ENDED, applied
from backend.errors import NotFound
from backend.repositories import agent_deletion, agent_settings, events
from backend.services import audit
from backend.services.agent_settings import save_change
from backend.services.callers import Actor


class AgentDeletion:
    """Deletes agents. A registration brings one back with fresh settings."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def delete(self, client_id: str | None, agent_id: str, actor: Actor) -> str:
        """Delete an agent and return the name that its owner gave it. Idempotent.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
        """
        return self._database.transact(
            "delete_agent", lambda tx: self._delete(tx, client_id, agent_id, actor)
        )

    def _delete(self, tx: Transaction, client_id: str | None, agent_id: str, actor: Actor) -> str:
        now = self._clock.now()
        row = agent_settings.lock_config(tx, client_id, agent_id)
        if row is None:
            raise NotFound("Unknown agent", field="agent_id")
        name = str(row["logical_agent_id"])
        if row["status"] == "deleted":
            return name
        before = config_from(row)
        after = applied(before, ENDED)
        if after != before:
            save_change(tx, row, after, actor, now)
        cancelled = agent_deletion.end_agent(tx, agent_id, now)
        details = {
            "name": name,
            "status": {"before": row["status"], "after": "deleted"},
            "cancelled_commands": cancelled,
        }
        change = audit.Change("agent_deleted", "agent", agent_id, row["client_id"], details)
        audit.record(tx, actor, change, now)
        message = f"{actor.name} deleted {name}; its instances keep running"
        events.record_event(
            tx,
            event_type="agent_deleted",
            message=message,
            client_id=row["client_id"],
            agent_id=agent_id,
            instance_id=row["primary_instance_id"],
            now=now,
        )
        events.notify(
            tx,
            notification_type="agent_deleted",
            message=message,
            client_id=row["client_id"],
            agent_id=agent_id,
            now=now,
        )
        tx.commit()
        return name
