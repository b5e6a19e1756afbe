"""Replicas as their launchers and they themselves report them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.identity import Sender
from backend.domain.modes import Mode
from backend.domain.pools import PoolName, parse_pool_name
from backend.domain.replica_reports import (
    ReplicaChange,
    ReplicaView,
    SyncStatus,
    check_claim,
    check_speaker,
    next_status,
)
from backend.domain.replicas import ReplicaStatus
from backend.errors import Conflict, NotFound
from backend.repositories import agents, replicas, retirements
from backend.sef.pools import CooldownReason
from backend.services.pool_choice import record_trouble
from backend.services.replica_changes import (
    change,
    note_price,
    order_retirement,
    tell_claimed_twice,
    view_of,
)
from backend.services.replica_takeover import ReplicaTakeover

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # compare-and-set rounds; each lost round means that somebody else made progress
_ENDED = frozenset({ReplicaStatus.TERMINATING, ReplicaStatus.TERMINATED, ReplicaStatus.FAILED})
_DONE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a launcher says that it launched. ``pool_id`` None: as ordered, or on-demand."""

    instance_id: str
    status: ReplicaStatus = ReplicaStatus.SYNCING
    pool_id: str | None = None
    mode: Mode = Mode.UNKNOWN
    launched_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """How a replica stands. ``failed_pools`` are names of pools that had no capacity."""

    status: ReplicaStatus
    sender: Sender
    error_message: str | None = None
    failed_pools: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """How far a replica's data have come; what is None was not said."""

    sender: Sender
    sync_status: SyncStatus | None = None
    latency_ms: int | None = None
    progress_percent: float | None = None
    status: ReplicaStatus | None = None


class Replicas:
    """Takes reports about replicas. Every one is repeatable."""

    def __init__(self, database: Database, clock: Clock, takeover: ReplicaTakeover) -> None:
        self._database = database
        self._clock = clock
        self._takeover = takeover

    def bind(self, client_id: str, agent_id: str, replica_id: str, launch: Launch) -> Row:
        """Note which instance a replica is; return its row.

        The instance of a replica that has ended meanwhile is kept on the books, and retired.

        Raises:
            NotFound: the agent has no such replica.
            Conflict: it is another instance (an event says so), or the instance another replica.
            IllegalTransition: the replica has ended.
            InvalidRequest: the pool's name is none.
        """
        pool = parse_pool_name(launch.pool_id) if launch.pool_id else None

        def judge(row: Row, replica: ReplicaView, now: datetime) -> ReplicaChange:
            # A launcher of ours cannot know more than that it launched.
            said = ReplicaStatus.SYNCING if replica.is_native else launch.status
            is_late = replica.status in _ENDED
            return replace(
                _placed(row, launch, pool),
                status=replica.status if is_late else next_status(replica, said),
                instance_id=launch.instance_id,
                launched_at=min(launch.launched_at or now, now),
                confirmed_running_at=_confirmed(replica, said, now),
            )

        row = self._change(client_id, agent_id, replica_id, judge, claimed_by=launch.instance_id)
        if ReplicaStatus(row["status"]) in _ENDED:
            next_status(view_of(row), launch.status)
        if not view_of(row).is_native and launch.status is ReplicaStatus.READY:
            self._takeover.take_over_if_chosen(client_id, agent_id, replica_id)
        return row

    def report_status(
        self, client_id: str, agent_id: str, replica_id: str, report: StatusReport
    ) -> Row:
        """Note how a replica stands; return its row.

        Raises:
            NotFound: the agent has no such replica.
            Forbidden: somebody else than the replica says that it is ready (agents of ours).
            IllegalTransition: the replica has ended, or stands elsewhere.
        """
        for name in report.failed_pools:
            parse_pool_name(name, field="failed_pools")

        def judge(_row: Row, replica: ReplicaView, now: datetime) -> ReplicaChange:
            check_speaker(replica, report.status, report.sender.instance_id)
            return ReplicaChange(
                status=next_status(replica, report.status),
                failure_reason=(report.error_message or "")[:500] or None,
                confirmed_running_at=_confirmed(replica, report.status, now),
                sync_status=_sync_of(report.status),
                sync_progress_percent=_DONE if report.status is ReplicaStatus.READY else None,
            )

        row = self._change(
            client_id,
            agent_id,
            replica_id,
            judge,
            failed_pools=report.failed_pools,
            has_ended=report.status is ReplicaStatus.TERMINATED,
        )
        if report.status is ReplicaStatus.READY:
            self._takeover.take_over_if_chosen(client_id, agent_id, replica_id)
        return row

    def report_sync(
        self, client_id: str, agent_id: str, replica_id: str, report: SyncReport
    ) -> Row:
        """Note how far a replica's data have come; return its row.

        Complete progress of an installed agent's replica means that it is ready, as ever.

        Raises:
            NotFound, Forbidden, IllegalTransition: as ``report_status``.
        """

        def judge(_row: Row, replica: ReplicaView, now: datetime) -> ReplicaChange:
            is_complete = report.progress_percent == _DONE and not replica.is_native
            said = report.status or (ReplicaStatus.READY if is_complete else None)
            if said is None:
                said = ReplicaStatus.SYNCING if replica.is_live else replica.status
            check_speaker(replica, said, report.sender.instance_id)
            return ReplicaChange(
                status=replica.status if said is replica.status else next_status(replica, said),
                sync_status=report.sync_status,
                sync_latency_ms=report.latency_ms,
                sync_progress_percent=report.progress_percent,
                last_sync_at=now,
                confirmed_running_at=_confirmed(replica, said, now),
            )

        row = self._change(client_id, agent_id, replica_id, judge)
        if row["status"] in (ReplicaStatus.READY, ReplicaStatus.PROMOTING):
            self._takeover.take_over_if_chosen(client_id, agent_id, replica_id)
        return row

    def _change(
        self,
        client_id: str,
        agent_id: str,
        replica_id: str,
        judge: Callable[[Row, ReplicaView, datetime], ReplicaChange],
        *,
        claimed_by: str | None = None,
        failed_pools: Sequence[str] = (),
        has_ended: bool = False,
    ) -> Row:
        now = self._clock.now()

        def work(tx: Transaction) -> Row | Conflict | None:
            agent, row = _find(tx, client_id, agent_id, replica_id)
            replica = view_of(row)
            conflict = _claimed_twice(tx, agent, replica, claimed_by, now)
            if conflict is not None:
                tx.commit()
                return conflict
            wanted = judge(row, replica, now)
            if not change(
                tx,
                client_id=client_id,
                agent_id=agent_id,
                replica=replica,
                wanted=wanted,
                now=now,
            ):
                return None
            if has_ended:
                _close_instance(tx, row, now)
            else:
                _follow(tx, agent, replica, wanted, now)
            note_price(tx, row, wanted, now)
            _note_capacity(tx, row, failed_pools, now)
            tx.commit()
            return replicas.find_replica(tx, client_id, agent_id, replica_id)

        for _ in range(ATTEMPTS):
            result = self._database.transact("change_replica", work)
            if isinstance(result, Conflict):
                raise result
            if result is not None:
                return result
        raise Conflict("The replica is changing too fast; report again", retry_after_seconds=1)


def _find(session: Session, client_id: str, agent_id: str, replica_id: str) -> tuple[Row, Row]:
    agent = agents.find_agent(session, client_id, agent_id)
    if agent is None:
        raise NotFound("Unknown agent", field="agent_id")
    row = replicas.find_replica(session, client_id, agent_id, replica_id)
    if row is None:
        raise NotFound("Unknown replica", field="replica_id")
    return agent, row


def _claimed_twice(
    tx: Transaction, agent: Row, replica: ReplicaView, claimed_by: str | None, now: datetime
) -> Conflict | None:
    """Write down a second instance's claim and return the refusal, which follows the commit."""
    if claimed_by is None:
        return None
    try:
        check_claim(replica, claimed_by)
    except Conflict as conflict:
        tell_claimed_twice(tx, agent, replica, claimed_by, now)
        return conflict
    return None


def _placed(row: Row, launch: Launch, pool: PoolName | None) -> ReplicaChange:
    """Return where the launched instance stands, as far as that was said."""
    status = ReplicaStatus(row["status"])
    if pool is not None:
        return ReplicaChange(status=status, mode=Mode.SPOT, pool_name=str(pool), az=pool.az)
    mode = launch.mode if launch.mode is not Mode.UNKNOWN else None
    return ReplicaChange(status=status, mode=mode)


def _confirmed(replica: ReplicaView, reported: ReplicaStatus, now: datetime) -> datetime | None:
    """Return when the launcher saw the instance run: an installed one waits for that."""
    return now if reported is ReplicaStatus.READY and not replica.is_native else None


def _sync_of(status: ReplicaStatus) -> SyncStatus | None:
    return {
        ReplicaStatus.SYNCING: SyncStatus.SYNCING,
        ReplicaStatus.READY: SyncStatus.SYNCED,
    }.get(status)


def _follow(
    tx: Transaction, agent: Row, replica: ReplicaView, wanted: ReplicaChange, now: datetime
) -> None:
    """Have the instance ended that is not wanted any more."""
    instance_id = replica.instance_id or wanted.instance_id
    if wanted.status not in _ENDED or instance_id is None:
        return
    is_failure = wanted.status is ReplicaStatus.TERMINATING and replica.is_live
    is_late = wanted.instance_id is not None and replica.instance_id is None
    if is_failure or is_late:
        order_retirement(tx, agent, replica.id, instance_id, now)


def _close_instance(tx: Transaction, row: Row, now: datetime) -> None:
    if row["instance_id"] is not None:
        retirements.mark_terminated(
            tx,
            client_id=row["client_id"],
            agent_id=row["agent_id"],
            instance_id=row["instance_id"],
            reason="reported_ended",
            terminated_at=now,
            now=now,
        )


def _note_capacity(tx: Transaction, row: Row, names: Sequence[str], now: datetime) -> None:
    """Let the pools rest that had no capacity for this replica."""
    for name in names:
        pool = parse_pool_name(name, field="failed_pools")
        record_trouble(
            tx,
            client_id=row["client_id"],
            instance_type=pool.instance_type,
            az=pool.az,
            reason=CooldownReason.CAPACITY,
            source_key=f"replica:{row['id']}",
            occurred_at=now,
        )
