"""A replica that was chosen to take over does so as soon as it lives."""

import logging
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.replicas import ReplicaStatus
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, IllegalTransition, NotFound
from backend.repositories import agents, replicas
from backend.services.promotion import Promoted, Promotion
from backend.services.replica_changes import end_replica

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # compare-and-set rounds

_CAUSES = {
    "termination-notice": SwitchCause.TERMINATION,
    "loss": SwitchCause.LOSS,
    "rebalance-recommendation": SwitchCause.REBALANCE,
}
# What the event wanted has happened otherwise, or is not wanted any more.
_ANSWERED = frozenset({"failed_over", "stood_down", "unhandled"})


class ReplicaTakeover:
    """Promotes chosen replicas. Idempotent: exactly one promotion, one epoch."""

    def __init__(self, database: Database, clock: Clock, promotion: Promotion) -> None:
        self._database = database
        self._clock = clock
        self._promotion = promotion

    def take_over_if_chosen(
        self, client_id: str, agent_id: str, replica_id: str
    ) -> Promoted | None:
        """Promote a replica whose status is ``promoting`` and whose instance runs.

        Where its event was answered otherwise meanwhile, or the agent has got another primary, the
        replica came too late: it is retired.

        Returns:
            The promotion; None when the replica was not chosen, has no instance, or came too late.
        """
        now = self._clock.now()
        row = self._database.run(
            "find_chosen", lambda s: replicas.find_chosen(s, client_id, agent_id, replica_id)
        )
        if row is None or row["status"] != ReplicaStatus.PROMOTING or row["instance_id"] is None:
            return None
        if row["event_status"] in _ANSWERED:
            self._retire(client_id, agent_id, replica_id, now)
            return None
        try:
            return self._promotion.promote(
                client_id,
                agent_id,
                replica_id,
                cause=_CAUSES.get(row["signal_type"] or "", SwitchCause.PROMOTION),
                event_id=row["event_id"],
                expected_epoch=row["event_epoch"],
                deadline_at=row["deadline_at"],
                now=now,
            )
        except NotFound:
            return None
        except Conflict as error:
            logger.warning(
                "Replica %s cannot take over: %s",
                replica_id,
                error.message,
                extra={
                    "action": "takeover_refused",
                    "agent_id": agent_id,
                    "replica_id": replica_id,
                    "code": error.code,
                },
            )
            if not isinstance(error, IllegalTransition):
                self._retire(client_id, agent_id, replica_id, now)
            return None

    def _retire(self, client_id: str, agent_id: str, replica_id: str, now: datetime) -> None:
        for _ in range(ATTEMPTS):
            if self._database.transact(
                "retire_late_replica",
                lambda tx: _retire(tx, client_id, agent_id, replica_id, now),
            ):
                return


def _retire(tx: Transaction, client_id: str, agent_id: str, replica_id: str, now: datetime) -> bool:
    agent = agents.find_agent(tx, client_id, agent_id)
    row: Row | None = replicas.find_replica(tx, client_id, agent_id, replica_id)
    if agent is None or row is None or row["status"] != ReplicaStatus.PROMOTING:
        return True
    ended = end_replica(tx, agent, row, reason="it came too late to take over", now=now)
    if ended is None:
        return False
    tx.commit()
    return True
