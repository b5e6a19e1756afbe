"""Ending instances: the verdict, the report that one has ended, and the hourly inventory."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.fencing import Role
from backend.domain.retirement import RetirementVerdict, judge_retirement
from backend.errors import Conflict, NotFound
from backend.repositories import agents, events, replicas, retirements, switches
from backend.services.replica_changes import close_replica_of

logger = logging.getLogger(__name__)

# EC2's lists lag behind its launches and its terminations by seconds to minutes.
SETTLING = timedelta(minutes=5)
SAY_AGAIN_AFTER = timedelta(hours=24)
# An undone launch that never registered, and one that was booked as ended before.
_UNREMARKABLE = frozenset({"already_terminated", "unknown_instance"})
_ENDED_STATES = frozenset({"shutting-down", "terminated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement with the state that it was made on."""

    verdict: RetirementVerdict
    role: Role | None
    epoch: int
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One instance in an inventory; ``state`` is EC2's word."""

    instance_id: str
    state: str
    launched_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What an inventory changed: instances closed in the books, and strangers found running."""

    vanished: Sequence[str]
    orphans: Sequence[str]


class Retirements:
    """Judges and books the end of instances. Every call is idempotent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def judge(self, client_id: str, agent_id: str, target_id: str, asker_id: str | None) -> Verdict:
        """Say whether the asker may end the target now; refusals are events.

        Raises:
            NotFound: the client has no such agent.
        """
        now = self._clock.now()
        facts = self._database.run(
            "find_retirement_facts",
            lambda s: retirements.find_retirement_facts(
                s,
                client_id=client_id,
                agent_id=agent_id,
                target_id=target_id,
                asker_id=asker_id,
            ),
        )
        if facts is None:
            raise NotFound("Unknown agent", field="agent_id")
        role = Role(facts["target_role"]) if facts["target_role"] else None
        verdict = judge_retirement(
            target_id=target_id,
            target_role=role,
            target_role_reason=facts["target_role_reason"],
            asker_role=Role(facts["asker_role"]) if facts["asker_role"] else None,
            primary_id=facts["primary_instance_id"],
            auto_terminate_enabled=bool(facts["auto_terminate_enabled"]),
            is_deleted=facts["status"] == "deleted",
        )
        if not verdict.may_retire and verdict.reason not in _UNREMARKABLE:
            self._refuse(client_id, agent_id, target_id, verdict, now)
        return Verdict(verdict=verdict, role=role, epoch=facts["epoch"], checked_at=now)

    def _refuse(
        self,
        client_id: str,
        agent_id: str,
        target_id: str,
        verdict: RetirementVerdict,
        now: datetime,
    ) -> None:
        self._database.run(
            "record_refusal",
            lambda s: events.record_event(
                s,
                event_type="retirement_refused",
                severity="warning",
                message=f"{target_id} may not be retired: {verdict.reason}",
                client_id=client_id,
                agent_id=agent_id,
                instance_id=target_id,
                now=now,
            ),
        )

    def close(
        self, client_id: str, agent_id: str, instance_id: str, terminated_at: datetime | None
    ) -> bool:
        """Book that an instance has ended; False when it was booked before.

        Raises:
            NotFound: the client has no such agent or the agent no such instance.
            Conflict: the instance is the agent's primary.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> bool:
            facts = retirements.find_retirement_facts(
                tx, client_id=client_id, agent_id=agent_id, target_id=instance_id, asker_id=None
            )
            if facts is None:
                raise NotFound("Unknown agent", field="agent_id")
            if facts["target_role"] is None:
                is_new = self._close_replica(tx, client_id, agent_id, instance_id, "reported", now)
                if not is_new:
                    raise NotFound("Unknown instance", field="instance_id")
                tx.commit()
                return True
            if facts["target_role"] == Role.PRIMARY:
                raise Conflict("The primary cannot be closed this way", field="instance_id")
            ended = min(terminated_at or now, now)
            is_new = self._close(tx, client_id, agent_id, instance_id, "retired", ended, now)
            tx.commit()
            return is_new

        return self._database.transact("close_instance", work)

    def reconcile(self, client_id: str, agent_id: str, sightings: Sequence[Sighting]) -> Reconciled:
        """Compare what runs with what the books say, and correct the books.

        Instances that are gone are closed, unless they changed minutes ago. Instances that run
        with the agent's tags but are in no book are orphans: said once a day, never ended here.

        Raises:
            NotFound: the client has no such agent.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> Reconciled:
            agent = agents.find_agent(tx, client_id, agent_id)
            if agent is None:
                raise NotFound("Unknown agent", field="agent_id")
            booked = retirements.list_open_instances(tx, client_id, agent_id)
            running = {s.instance_id for s in sightings if s.state not in _ENDED_STATES}
            vanished = [row["instance_id"] for row in booked if _is_gone(row, running, now)]
            for instance_id in vanished:
                self._close(tx, client_id, agent_id, instance_id, "vanished", now, now)
            known = {row["instance_id"] for row in booked}
            # Replicas that never registered: only their own rows know them.
            unregistered = {
                instance_id: launched_at
                for instance_id, launched_at in replicas.list_open_instances(
                    tx, client_id, agent_id
                ).items()
                if instance_id not in known
            }
            for instance_id, launched_at in unregistered.items():
                if instance_id not in running and _is_settled(launched_at, now):
                    self._close_replica(tx, client_id, agent_id, instance_id, "vanished", now)
                    vanished.append(instance_id)
            known |= unregistered.keys()
            orphans = sorted(
                s.instance_id
                for s in sightings
                if s.instance_id in running - known and _is_settled(s.launched_at, now)
            )
            for instance_id in orphans:
                self._report_orphan(tx, agent, instance_id, now)
            tx.commit()
            return Reconciled(vanished=vanished, orphans=orphans)

        return self._database.transact("reconcile_inventory", work)

    @staticmethod
    def _close(
        tx: Transaction,
        client_id: str,
        agent_id: str,
        instance_id: str,
        reason: str,
        ended: datetime,
        now: datetime,
    ) -> bool:
        Retirements._close_replica(tx, client_id, agent_id, instance_id, reason, now)
        is_new = retirements.mark_terminated(
            tx,
            client_id=client_id,
            agent_id=agent_id,
            instance_id=instance_id,
            reason=reason,
            terminated_at=ended,
            now=now,
        )
        if is_new:
            switches.mark_old_terminated(
                tx, agent_id=agent_id, instance_id=instance_id, terminated_at=ended
            )
            events.record_event(
                tx,
                event_type="instance_terminated",
                message=f"{instance_id} has ended ({reason})",
                client_id=client_id,
                agent_id=agent_id,
                instance_id=instance_id,
                now=now,
            )
        return is_new

    @staticmethod
    def _close_replica(
        tx: Transaction,
        client_id: str,
        agent_id: str,
        instance_id: str,
        reason: str,
        now: datetime,
    ) -> bool:
        return close_replica_of(
            tx,
            client_id=client_id,
            agent_id=agent_id,
            instance_id=instance_id,
            reason=reason,
            now=now,
        )

    @staticmethod
    def _report_orphan(tx: Transaction, agent: Row, instance_id: str, now: datetime) -> None:
        was_said = retirements.has_recent_event(
            tx,
            agent_id=agent["id"],
            instance_id=instance_id,
            event_type="orphan_instance",
            since=now - SAY_AGAIN_AFTER,
        )
        if was_said:
            return
        message = (
            f"{instance_id} runs with the tags of {agent['logical_agent_id']} "
            "but is in no book: retire it, or find out who launched it"
        )
        events.record_event(
            tx,
            event_type="orphan_instance",
            severity="error",
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            instance_id=instance_id,
            now=now,
        )
        events.notify(
            tx,
            notification_type="orphan_instance",
            severity="error",
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            now=now,
        )
        logger.error(
            "%s",
            message,
            extra={
                "action": "orphan_found",
                "agent_id": agent["id"],
                "instance_id": instance_id,
            },
        )


def _is_gone(row: Row, running: set[str], now: datetime) -> bool:
    changed_at = max(at for at in (row["role_changed_at"], row["last_seen_at"]) if at is not None)
    return (
        row["role"] != Role.PRIMARY
        and row["instance_id"] not in running
        and _is_settled(changed_at, now)
    )


def _is_settled(changed_at: datetime | None, now: datetime) -> bool:
    return changed_at is None or changed_at < now - SETTLING
