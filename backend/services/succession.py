"""Succession without a message: who takes over when a primary falls silent.

Installed agents register once. A successor that came up while its dying predecessor still counted
as heard, or a candidate behind a living primary, would otherwise wait for ever.
"""

import logging
from datetime import datetime, timedelta

from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.fencing import (
    AgentView,
    find_vacancy,
    promotable_candidate,
    promotable_successor,
)
from backend.repositories import events, succession
from backend.services.registration import agent_view, braked

logger = logging.getLogger(__name__)

AGENTS_PER_RUN = 200  # the rest is 30 seconds later


class Succession:
    """Appoints waiting instances. Idempotent; each agent is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def appoint_waiting(self, *, now: datetime, silence: timedelta) -> int:
        """Let waiting instances take free places; return how many did.

        Args:
            now: The present.
            silence: How long a primary may go unheard before its place is free.
        """
        vacant = self._database.run(
            "list_vacant_agents",
            lambda s: succession.list_vacant_agents(
                s, silent_before=now - silence, limit=AGENTS_PER_RUN
            ),
        )
        return sum(self._appoint(agent, now, silence) for agent in vacant)

    def _appoint(self, agent: Row, now: datetime, silence: timedelta) -> bool:
        def work(tx: Transaction) -> bool:
            successor_id = succession.find_waiting_successor(tx, agent["id"])
            view = braked(
                tx,
                agent_view(tx, agent, successor_id, now=now, silence=silence),
                now=now,
                silence=silence,
            )
            chosen = promotable_successor(view, now=now, silence=silence)
            is_successor = chosen is not None
            chosen = chosen or promotable_candidate(view, now=now, silence=silence)
            if chosen is None:
                return False
            reason = find_vacancy(view, now=now, silence=silence) or "switch_acknowledged"
            is_appointed = succession.appoint(
                tx,
                agent_id=agent["id"],
                instance_id=chosen,
                expected_epoch=agent["epoch"],
                completes_switch=is_successor,
                reason=reason,
                now=now,
            )
            if is_appointed:
                _tell(tx, agent, view, chosen, reason, now)
                tx.commit()
            return is_appointed

        return self._database.transact("appoint_primary", work)


def _tell(
    session: Session, agent: Row, view: AgentView, chosen: str, reason: str, now: datetime
) -> None:
    old = view.primary.instance_id if view.primary else "nobody"
    message = f"{chosen} took over {agent['logical_agent_id']} from {old} ({reason})"
    events.record_event(
        session,
        event_type="primary_replaced",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=chosen,
        now=now,
    )
    events.notify(
        session,
        notification_type="primary_replaced",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        now=now,
    )
    logger.warning(
        "%s",
        message,
        extra={"action": "primary_replaced", "agent_id": agent["id"], "instance_id": chosen},
    )
