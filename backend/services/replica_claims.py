"""Instances that register as replicas: which one they are, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.modes import Mode
from backend.domain.pools import parse_pool_name, pool_of
from backend.domain.replica_claims import BookedReplica, ClaimVerdict, ReplicaClaim, find_claim
from backend.domain.replica_reports import ReplicaChange, ReplicaView, next_status
from backend.domain.replicas import ReplicaStatus
from backend.repositories import agents, replicas
from backend.services.promotion import Promoted
from backend.services.replica_changes import (
    change,
    note_price,
    order_retirement,
    tell_claimed_twice,
    view_of,
)
from backend.services.replica_takeover import ReplicaTakeover

ATTEMPTS = 8  # compare-and-set rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An instance that registers; ``replica_id`` is its launch tag."""

    instance_id: str
    instance_type: str
    az: str
    mode: Mode
    protocol: int
    replica_id: str | None


class ReplicaClaims:
    """Finds the replica behind a registration before it, and books it after. Idempotent."""

    def __init__(self, database: Database, clock: Clock, takeover: ReplicaTakeover) -> None:
        self._database = database
        self._clock = clock
        self._takeover = takeover

    @staticmethod
    def find(
        session: Session, agent_id: str, newcomer: Newcomer, *, is_known: bool
    ) -> ReplicaClaim | None:
        """Return the replica that the instance is or says it is. Reads only.

        ``is_known``: it was seen before, or identities are in conflict: a likeness proves nothing.
        """
        rows = replicas.list_orders(
            session,
            agent_id,
            instance_id=newcomer.instance_id,
            replica_id=newcomer.replica_id,
        )
        return find_claim(
            [_booked(row) for row in rows],
            instance_id=newcomer.instance_id,
            instance_type=newcomer.instance_type,
            az=newcomer.az,
            protocol=newcomer.protocol,
            replica_id=newcomer.replica_id,
            is_known=is_known,
        )

    def settle(
        self, client_id: str, agent_id: str, newcomer: Newcomer, claim: ReplicaClaim
    ) -> Promoted | None:
        """Book what a registered instance is: bind it, and let it take over if it was chosen.

        An instance of a replica that has ended is retired. Returns the promotion, if it took over.
        """
        for _ in range(ATTEMPTS):
            is_settled = self._database.transact(
                "settle_replica_claim",
                lambda tx: self._settle(tx, client_id, agent_id, newcomer, claim),
            )
            if is_settled:
                break
        if claim.verdict is not ClaimVerdict.BOUND:
            return None
        return self._takeover.take_over_if_chosen(client_id, agent_id, claim.replica.id)

    def _settle(
        self,
        tx: Transaction,
        client_id: str,
        agent_id: str,
        newcomer: Newcomer,
        claim: ReplicaClaim,
    ) -> bool:
        now = self._clock.now()
        agent = agents.find_agent(tx, client_id, agent_id)
        row = replicas.find_replica(tx, client_id, agent_id, claim.replica.id)
        if agent is None or row is None:
            return True
        replica = view_of(row)
        if replica.instance_id not in (None, newcomer.instance_id):
            tell_claimed_twice(tx, agent, replica, newcomer.instance_id, now)
            tx.commit()
            return True
        if replica.status is ReplicaStatus.PROMOTED or _is_settled(row, replica):
            return True
        wanted = _wanted(replica, newcomer, now)
        if not change(
            tx, client_id=client_id, agent_id=agent_id, replica=replica, wanted=wanted, now=now
        ):
            return False
        note_price(tx, row, wanted, now)
        if not replica.is_live and agent["primary_instance_id"] != newcomer.instance_id:
            order_retirement(tx, agent, replica.id, newcomer.instance_id, now)
        tx.commit()
        return True


def _is_settled(row: Row, replica: ReplicaView) -> bool:
    """Tell whether a registration says nothing new: which instance, where, and that it is there."""
    return (
        replica.is_live
        and replica.instance_id is not None
        and row["az"] is not None
        and replica.status is not ReplicaStatus.LAUNCHING
    )


def _wanted(replica: ReplicaView, newcomer: Newcomer, now: datetime) -> ReplicaChange:
    pool = pool_of(newcomer.instance_type, newcomer.az, newcomer.mode)
    said = ReplicaStatus.SYNCING
    return ReplicaChange(
        status=next_status(replica, said) if replica.is_live else replica.status,
        instance_id=newcomer.instance_id,
        mode=newcomer.mode if newcomer.mode is not Mode.UNKNOWN else None,
        pool_name=pool,
        az=parse_pool_name(pool).az if pool else None,
        launched_at=now,
        confirmed_running_at=now,
    )


def _booked(row: Row) -> BookedReplica:
    names = [row["az"]] if row["az"] else []
    names += [str(name).rpartition(".")[2] for name in orjson.loads(row["pools"])]
    return BookedReplica(
        id=row["id"],
        status=ReplicaStatus(row["status"]),
        protocol=row["protocol"],
        instance_id=row["instance_id"],
        instance_type=row["instance_type"],
        azs=frozenset(names[:1]),
        is_handed_out=row["held_until"] is not None,
    )
