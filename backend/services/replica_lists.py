"""Replicas as lists, and the orders that installed agents find in them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.commands import NATIVE_PROTOCOL
from backend.repositories import replicas
from backend.services.command_queue import LIVE_WINDOW

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # the agent waits that long for its launch to run


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFilter:
    """Which replicas of an agent: those of one status, else the live ones or all."""

    status: str | None = None
    include_ended: bool = False


class ReplicaLists:
    """Lists replicas, and hands orders to installed agents."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_of_agent(
        self, client_id: str | None, agent_id: str, wanted: ReplicaFilter
    ) -> Sequence[Row]:
        """Return an agent's replicas, newest first; none for an unknown agent.

        ``client_id`` None looks through every tenant (operators).
        """
        return self._database.run(
            "list_replicas",
            lambda s: replicas.list_replicas(
                s,
                client_id,
                agent_id,
                status=wanted.status,
                include_ended=wanted.include_ended,
            ),
        )

    def list_of_client(self, client_id: str) -> Sequence[Row]:
        """Return a client's live replicas with their primaries, newest first."""
        return self._database.run(
            "list_client_replicas", lambda s: replicas.list_client_replicas(s, client_id)
        )

    def hand_out(self, client_id: str, agent_id: str) -> Sequence[Row]:
        """Return the orders that an installed agent is to launch now: each once in its life.

        An installed agent launches whatever it finds, every 30 seconds, without remembering what it
        launched before; and it does not say who it is. So an order is handed out only while nobody
        but the primary of the agent can be asking: no other instance of it was heard lately.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> list[Row]:
            holder = _holder(tx, client_id, agent_id, now)
            if holder is None:
                return []
            held = replicas.hand_out(
                tx,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=holder,
                held_until=now + LEASE,
            )
            tx.commit()
            return held

        handed_out = self._database.transact("hand_out_replicas", work)
        for row in handed_out:
            logger.info(
                "Replica order %s handed to %s",
                row["id"],
                row["holder_instance_id"],
                extra={
                    "action": "replica_handed_out",
                    "agent_id": agent_id,
                    "replica_id": row["id"],
                    "instance_id": row["holder_instance_id"],
                },
            )
        return handed_out


def _holder(tx: Transaction, client_id: str, agent_id: str, now: datetime) -> str | None:
    """Return the primary if it is an installed agent, may act, and is surely who asks."""
    door = replicas.find_door(tx, client_id, agent_id, now - LIVE_WINDOW)
    if door is None or door["status"] == "deleted" or not door["enabled"]:
        return None
    if door["protocol"] >= NATIVE_PROTOCOL or door["rival_count"]:
        return None
    holder: str = door["primary_instance_id"]
    return holder
