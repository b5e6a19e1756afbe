"""The end of a host, as it tells it itself (route ``termination``)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.identity import Sender
from backend.errors import NotFound
from backend.repositories import agents, events, interruptions
from backend.services.presence import OFFLINE, Heartbeat, Presence

SAY_AGAIN_AFTER: Final = timedelta(minutes=10)  # a repeat within it is the same end


class Terminations:
    """Writes ends down. A message from a host that is not the primary never moves the agent."""

    def __init__(self, database: Database, clock: Clock, presence: Presence) -> None:
        self._database = database
        self._clock = clock
        self._presence = presence

    def report(
        self,
        client_id: str,
        agent_id: str,
        sender: Sender,
        *,
        reason: str,
        details: Mapping[str, Any],
    ) -> None:
        """Record that a host ends, and take it for its goodbye. A repeat is not said again.

        Raises:
            NotFound: the client has no such agent.
        """

        def work(tx: Transaction) -> None:
            now = self._clock.now()
            agent = agents.find_agent(tx, client_id, agent_id)
            if agent is None:
                raise NotFound("Unknown agent", field="agent_id")
            if interruptions.has_recent_termination(
                tx, agent_id=agent_id, instance_id=sender.instance_id, since=now - SAY_AGAIN_AFTER
            ):
                return
            interruptions.record_termination(
                tx,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=sender.instance_id,
                reason=reason,
                details=details,
                now=now,
            )
            _tell(tx, agent, sender, reason, now)
            tx.commit()

        self._database.transact("record_termination", work)
        self._presence.beat(client_id, agent_id, Heartbeat(sender=sender, status=OFFLINE))


def _tell(tx: Transaction, agent: Row, sender: Sender, reason: str, now: datetime) -> None:
    who = sender.instance_id or f"A host of {agent['logical_agent_id']}"
    message = f"{who} says that it ends: {reason}"
    events.record_event(
        tx,
        event_type="termination_reported",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=sender.instance_id,
        now=now,
    )
    events.notify(
        tx,
        notification_type="termination_reported",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        now=now,
    )
