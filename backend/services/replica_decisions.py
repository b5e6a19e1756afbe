"""What people decide about a replica: that it takes over, or that it goes."""

from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.replicas import LIVE_STATUSES, ReplicaStatus
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, InvalidRequest, NotFound
from backend.repositories import agents, replicas
from backend.services import audit
from backend.services.callers import Actor
from backend.services.promotion import Promoted, Promotion
from backend.services.replica_changes import end_replica

ATTEMPTS = 8  # compare-and-set rounds
_PROMOTABLE = frozenset(
    {ReplicaStatus.SYNCING, ReplicaStatus.READY, ReplicaStatus.PROMOTING, ReplicaStatus.PROMOTED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A replica that goes; ``status`` is ``terminating`` while its instance is being ended."""

    replica_id: str
    status: ReplicaStatus
    at: datetime


class ReplicaDecisions:
    """Promotes and retires replicas at a person's wish. ``client_id`` None serves operators."""

    def __init__(self, database: Database, clock: Clock, promotion: Promotion) -> None:
        self._database = database
        self._clock = clock
        self._promotion = promotion

    def promote(
        self, client_id: str | None, agent_id: str, replica_id: str, actor: Actor
    ) -> tuple[Promoted, datetime]:
        """Make a replica the primary; return what moved, and when. A repeat is answered again.

        Audited, a repeat excepted.

        Raises:
            NotFound: no such agent or replica.
            InvalidRequest: the replica is neither ready nor syncing.
            Conflict: its own instance is being interrupted, or it has none yet.
        """
        owner, row = self._database.run(
            "find_replica", lambda s: _find(s, client_id, agent_id, replica_id)
        )
        status = ReplicaStatus(row["status"])
        is_former = status is ReplicaStatus.PROMOTED and (
            row["instance_id"] != owner["primary_instance_id"]
        )
        if status not in _PROMOTABLE or is_former:
            raise InvalidRequest(
                f"A replica that is {status.value} cannot take over",
                field="replica_id",
                current_status=status.value,
                required_status=["ready", "syncing"],
            )
        now = self._clock.now()
        promoted = self._promotion.promote(
            owner["client_id"],
            agent_id,
            replica_id,
            cause=SwitchCause.PROMOTION,
            event_id=None,
            expected_epoch=None,
            deadline_at=None,
            now=now,
        )
        if not promoted.is_repeat:
            self._audit_promotion(owner, replica_id, promoted, actor, now)
        return promoted, row["promoted_at"] or now

    def _audit_promotion(
        self, owner: Row, replica_id: str, promoted: Promoted, actor: Actor, now: datetime
    ) -> None:
        details = {
            "replica_id": replica_id,
            "primary": {"before": promoted.old_instance_id, "after": promoted.new_instance_id},
        }
        change = audit.Change("replica_promoted", "agent", owner["id"], owner["client_id"], details)
        self._database.run("audit_promotion", lambda s: audit.record(s, actor, change, now))

    def retire(self, client_id: str | None, agent_id: str, replica_id: str, actor: Actor) -> Ended:
        """End a replica for real. Audited.

        Raises:
            NotFound: no such agent or replica.
            InvalidRequest: the replica has ended, or is the primary now.
        """
        for _ in range(ATTEMPTS):
            ended = self._database.transact(
                "retire_replica",
                lambda tx: self._retire(tx, client_id, agent_id, replica_id, actor),
            )
            if ended is not None:
                return ended
        raise Conflict("The replica is changing too fast; try again", retry_after_seconds=1)

    def _retire(
        self,
        tx: Transaction,
        client_id: str | None,
        agent_id: str,
        replica_id: str,
        actor: Actor,
    ) -> Ended | None:
        now = self._clock.now()
        agent, row = _find(tx, client_id, agent_id, replica_id)
        status = ReplicaStatus(row["status"])
        if status not in LIVE_STATUSES:
            raise InvalidRequest(
                f"This replica is {status.value} already",
                field="replica_id",
                current_status=status.value,
                terminated_at=row["ended_at"],
            )
        ended = end_replica(tx, agent, row, reason=f"deleted by {actor.name}", now=now)
        if ended is None:
            return None
        details = {
            "replica_id": replica_id,
            "status": {"before": status.value, "after": ended.value},
        }
        change = audit.Change("replica_ended", "agent", agent_id, agent["client_id"], details)
        audit.record(tx, actor, change, now)
        tx.commit()
        return Ended(replica_id=replica_id, status=ended, at=now)


def _find(
    session: Session, client_id: str | None, agent_id: str, replica_id: str
) -> tuple[Row, Row]:
    if client_id is None:
        owner = agents.find_agent_of_any_client(session, agent_id)
        client_id = owner["client_id"] if owner else ""
    agent = agents.find_agent(session, client_id, agent_id)
    if agent is None or agent["status"] == "deleted":
        raise NotFound("Unknown agent", field="agent_id")
    row = replicas.find_replica(session, client_id, agent_id, replica_id)
    if row is None:
        raise NotFound("Unknown replica", field="replica_id")
    return agent, row
