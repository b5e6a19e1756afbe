"""Changing an agent's settings: one transaction with history, audit entry and event."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.agent_config import AgentConfig, config_from
from backend.domain.agent_settings import SettingsWish, applied, differences
from backend.errors import Conflict, NotFound, StaleVersion
from backend.repositories import agent_settings, events
from backend.services import audit
from backend.services.callers import Actor


class AgentSettings:
    """Reads and changes settings. ``client_id`` None means every tenant (operators)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, client_id: str | None, agent_id: str) -> AgentConfig:
        """Return an agent's settings as they are stored.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
        """
        row = self._database.run(
            "find_config", lambda s: agent_settings.find_config(s, client_id, agent_id)
        )
        return config_from(_known(row))

    def update(
        self,
        client_id: str | None,
        agent_id: str,
        wish: SettingsWish,
        actor: Actor,
        *,
        expected_version: int | None = None,
    ) -> AgentConfig:
        """Change settings and return what holds then. A wish that changes nothing writes nothing.

        Args:
            client_id: The tenant; None for operators.
            agent_id: The agent.
            wish: What to change.
            actor: Who changes it.
            expected_version: The version that the caller has seen; None: whatever it is.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
            Conflict: the agent is deleted.
            StaleVersion: somebody else has changed the settings since.
        """

        def work(tx: Transaction) -> AgentConfig:
            row = _living(agent_settings.lock_config(tx, client_id, agent_id))
            before = config_from(row)
            _check_version(before, expected_version)
            after = applied(before, wish)
            if after != before:
                save_change(tx, row, after, actor, self._clock.now())
                tx.commit()
            return after

        return self._database.transact("update_agent_settings", work)

    def toggle(self, client_id: str | None, agent_id: str, actor: Actor) -> AgentConfig:
        """Enable a disabled agent, disable an enabled one. Not idempotent.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
            Conflict: the agent is deleted.
        """

        def work(tx: Transaction) -> AgentConfig:
            row = _living(agent_settings.lock_config(tx, client_id, agent_id))
            before = config_from(row)
            after = applied(before, SettingsWish(enabled=not before.enabled))
            save_change(tx, row, after, actor, self._clock.now())
            tx.commit()
            return after

        return self._database.transact("toggle_agent", work)

    def history(
        self, client_id: str | None, agent_id: str, *, limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Return a page of the changes, newest first, and how many there are.

        Raises:
            NotFound: there is no such agent, or it is another tenant's.
        """

        def read(session: Session) -> tuple[list[Row], int]:
            _known(agent_settings.find_config(session, client_id, agent_id))
            rows = agent_settings.list_changes(session, agent_id, limit=limit, offset=offset)
            total = agent_settings.count_changes(session, agent_id)
            return [{**row, "changes": orjson.loads(row["changes"])} for row in rows], total

        return self._database.run("list_config_changes", read)


def save_change(
    tx: Transaction, row: Row, after: AgentConfig, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Write other settings of a locked agent with history, audit entry and event.

    Args:
        tx: The open transaction.
        row: The agent with its settings, from ``lock_config``.
        after: What is to hold; its version is one more.
        actor: Who changes it.
        now: The present.

    Returns:
        What changed, from what to what.

    Raises:
        StaleVersion: the stored version is not the one of ``row``.
    """
    before = config_from(row)
    if not agent_settings.save_config(
        tx, row["id"], after, expected_version=before.version, now=now
    ):
        raise StaleVersion("The settings have changed since they were read", field="version")
    changes = differences(before, after)
    agent_settings.insert_change(
        tx,
        {
            "client_id": row["client_id"],
            "agent_id": row["id"],
            "version": after.version,
            "actor_type": actor.kind,
            "actor_name": actor.name,
            "changes": orjson.dumps(changes).decode(),
            "now": now,
        },
    )
    is_more = before != replace(after, version=before.version, enabled=before.enabled)
    action = "agent_config_changed" if is_more else "agent_toggled"
    audit.record(
        tx, actor, audit.Change(action, "agent", row["id"], row["client_id"], changes), now
    )
    events.record_event(
        tx,
        event_type=action,
        message=f"{actor.name} changed {row['logical_agent_id']}: {_sentence(changes)}",
        client_id=row["client_id"],
        agent_id=row["id"],
        instance_id=row["primary_instance_id"],
        details=changes,
        now=now,
    )
    return changes


def _known(row: Row | None) -> Row:
    if row is None:
        raise NotFound("Unknown agent", field="agent_id")
    return row


def _living(row: Row | None) -> Row:
    found = _known(row)
    if found["status"] == "deleted":
        raise Conflict("The agent is deleted", field="agent_id")
    return found


def _check_version(config: AgentConfig, expected: int | None) -> None:
    if expected is not None and expected != config.version:
        raise StaleVersion(
            "Somebody else changed the settings since you read them",
            field="version",
            version=config.version,
        )


def _sentence(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} is now {change['after']}" for name, change in changes.items())
