"""Promotion: a replica, or the running successor of a switch, becomes the primary."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.agent_config import DEFAULT_TERMINATE_WAIT_SECONDS
from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.replicas import REPLICA_MACHINE, ReplicaStatus
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, NotFound, StaleVersion
from backend.repositories import promotions

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # compare-and-set rounds; each lost round means that somebody else made progress
NOTICE = timedelta(minutes=2)  # from a termination notice without a time to the end of the host
AFTER_DEADLINE = timedelta(
    minutes=5
)  # EC2 ends a noticed host itself; what still runs then is ours
RETIRE_WITHIN = timedelta(hours=24)  # then an operator is told that the old instance still runs
PROMOTE_WITHIN = timedelta(minutes=10)  # the new primary lives: it fetches its command in seconds
_SIGNALLED = frozenset({SwitchCause.TERMINATION, SwitchCause.LOSS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What a promotion made; ``epoch`` is the agent's now."""

    switch_id: str
    epoch: int
    old_instance_id: str | None
    new_instance_id: str
    is_repeat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A judged promotion: the snapshot that it rests on, and what follows from it.

    Attributes:
        replica_id: The replica; None when a successor is adopted.
        replica_status: Its status in the snapshot.
        adopted_switch_id: The open switch whose successor takes over.
        undone_instance_id: The successor of an open switch that is preempted by this.
        requested_at: When the replacement was called for.
        deadline_at: When the old host ends, None when nothing ends it.
        retires_old_after: How long the old instance is kept; None when nobody of ours ends it.
    """

    client_id: str
    agent_id: str
    agent_name: str
    epoch: int
    old_instance_id: str | None
    new_instance_id: str
    new_protocol: int
    replica_id: str | None
    replica_status: ReplicaStatus | None
    adopted_switch_id: str | None = None
    undone_instance_id: str | None = None
    cause: SwitchCause
    event_id: str | None
    requested_at: datetime
    deadline_at: datetime | None
    retires_old_after: timedelta | None


class Promotion:
    """Promotes. Idempotent: a promotion that has happened is answered again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def promote(
        self,
        client_id: str,
        agent_id: str,
        replica_id: str,
        *,
        cause: SwitchCause,
        event_id: str | None,
        expected_epoch: int | None,
        deadline_at: datetime | None,
        now: datetime,
    ) -> Promoted:
        """Make a replica the primary of its agent, whatever an open switch was about to do.

        Whether the replica is fit for it (heard, no notice of its own) is the caller's judgement;
        a doomed one is refused all the same.

        Args:
            client_id: The tenant.
            agent_id: The agent.
            replica_id: One of its replicas, with an instance.
            cause: Why; TERMINATION and LOSS leave the end of the old host to EC2.
            event_id: The interruption event that this closes, if any.
            expected_epoch: The epoch that the caller decided on; None promotes at any.
            deadline_at: When the old host ends; None after a notice means in two minutes.
            now: The present.

        Raises:
            NotFound: the client has no such agent, or the agent no such replica.
            IllegalTransition: the replica has failed, ended, or was primary once already.
            StaleVersion: the agent's epoch is no longer the expected one.
            Conflict: the replica is doomed, or has no instance yet; or all kept changing.
        """
        for _ in range(ATTEMPTS):
            promoted = self._database.run(
                "promote_replica",
                lambda session: self._attempt(
                    session,
                    client_id,
                    agent_id,
                    replica_id,
                    cause,
                    event_id,
                    expected_epoch,
                    deadline_at,
                    now,
                ),
            )
            if promoted is not None:
                return promoted
        raise Conflict("The agent is changing too fast; try again", retry_after_seconds=1)

    def _attempt(
        self,
        session: Session,
        client_id: str,
        agent_id: str,
        replica_id: str,
        cause: SwitchCause,
        event_id: str | None,
        expected_epoch: int | None,
        deadline_at: datetime | None,
        now: datetime,
    ) -> Promoted | None:
        facts = promotions.find_promotion_facts(
            session,
            client_id=client_id,
            agent_id=agent_id,
            replica_id=replica_id,
            event_id=event_id,
        )
        if facts is None:
            raise NotFound("Unknown agent", field="agent_id")
        repeated = _check(session, agent_id, facts, expected_epoch)
        if repeated is not None:
            return repeated
        handover = Handover(
            client_id=client_id,
            agent_id=agent_id,
            agent_name=facts["logical_agent_id"],
            epoch=facts["epoch"],
            old_instance_id=facts["primary_instance_id"],
            new_instance_id=facts["replica_instance_id"],
            new_protocol=facts["new_protocol"],
            replica_id=replica_id,
            replica_status=ReplicaStatus(facts["replica_status"]),
            undone_instance_id=facts["successor_id"],
            cause=cause,
            event_id=facts["event_id"],
            requested_at=facts["received_at"] or now,
            deadline_at=deadline_at or facts["deadline_at"],
            retires_old_after=keep_old_for(facts, cause),
        )
        return apply(session, handover, now=now)


def apply(session: Session, handover: Handover, *, now: datetime) -> Promoted | None:
    """Carry out a judged promotion; None when what it was judged on has changed.

    Needs an autocommit session: the procedure is sealed.
    """
    switch_id = handover.adopted_switch_id or str(uuid.uuid4())
    if not promotions.promote_replica(session, _parameters(handover, switch_id, now)):
        return None
    logger.info(
        "%s replaces %s as primary (%s)",
        handover.new_instance_id,
        handover.old_instance_id,
        handover.cause,
        extra={
            "action": "primary_promoted",
            "agent_id": handover.agent_id,
            "old_instance_id": handover.old_instance_id,
            "new_instance_id": handover.new_instance_id,
            "replica_id": handover.replica_id,
            "event_id": handover.event_id,
            "switch_id": switch_id,
            "epoch": handover.epoch + 1,
        },
    )
    return Promoted(
        switch_id=switch_id,
        epoch=handover.epoch + 1,
        old_instance_id=handover.old_instance_id,
        new_instance_id=handover.new_instance_id,
        is_repeat=False,
    )


def keep_old_for(settings: Row, cause: SwitchCause) -> timedelta | None:
    """Return how long the replaced instance is kept; None when nobody of ours ends it.

    After a notice or a loss EC2 ends the host, whatever the settings say: only what still runs
    minutes later is ours to end. ``settings`` has the columns of ``agent_configs``.
    """
    if not settings["auto_terminate_enabled"]:
        return None
    if cause in _SIGNALLED:
        return AFTER_DEADLINE
    return timedelta(seconds=settings["terminate_wait_seconds"] or DEFAULT_TERMINATE_WAIT_SECONDS)


def _check(
    session: Session, agent_id: str, facts: Row, expected_epoch: int | None
) -> Promoted | None:
    """Refuse what cannot be promoted; answer what has been promoted already."""
    if facts["replica_id"] is None:
        raise NotFound("Unknown replica", field="replica_id")
    status, instance_id = ReplicaStatus(facts["replica_status"]), facts["replica_instance_id"]
    if status is ReplicaStatus.PROMOTED and instance_id == facts["primary_instance_id"]:
        return Promoted(
            switch_id=promotions.find_switch_to(session, agent_id, instance_id) or "",
            epoch=facts["epoch"],
            old_instance_id=None,
            new_instance_id=instance_id,
            is_repeat=True,
        )
    if status is not ReplicaStatus.PROMOTING and not REPLICA_MACHINE.can(
        status, ReplicaStatus.PROMOTING
    ):
        raise REPLICA_MACHINE.illegal(status, ReplicaStatus.PROMOTED)
    if expected_epoch is not None and expected_epoch != facts["epoch"]:
        raise StaleVersion(
            "The agent has another primary meanwhile",
            field="expected_epoch",
            expected=expected_epoch,
            present=facts["epoch"],
        )
    if instance_id is None:
        raise Conflict("The replica has no instance yet", present_state=status.value)
    if facts["doomed_at"] is not None:
        raise Conflict("The replica's own instance is being interrupted", field="replica_id")
    return None


def _parameters(handover: Handover, switch_id: str, now: datetime) -> dict[str, object]:
    deadline = _deadline(handover, now)
    retire_at = (deadline or now) + (handover.retires_old_after or timedelta(0))
    is_native = handover.new_protocol >= NATIVE_PROTOCOL
    retires = is_native and handover.retires_old_after is not None and handover.old_instance_id
    undone = handover.undone_instance_id
    undoes = is_native and undone not in (None, handover.new_instance_id, handover.old_instance_id)
    return {
        "now": now,
        "client_id": handover.client_id,
        "agent_id": handover.agent_id,
        "expected_epoch": handover.epoch,
        "replica_id": handover.replica_id,
        "expected_status": handover.replica_status,
        "adopted_switch_id": handover.adopted_switch_id,
        "new_instance_id": handover.new_instance_id,
        "switch_id": switch_id,
        "cause": handover.cause,
        "event_id": handover.event_id,
        "requested_at": handover.requested_at,
        "promote_command_id": str(uuid.uuid4()) if is_native else None,
        "promote_payload": _json(
            old_instance_id=handover.old_instance_id,
            switch_id=switch_id,
            event_id=handover.event_id,
            epoch=handover.epoch + 1,
            deadline=deadline,
        ),
        "promote_expires_at": now + PROMOTE_WITHIN,
        "retire_command_id": str(uuid.uuid4()) if retires else None,
        "retire_payload": _json(
            instance_id=handover.old_instance_id, not_before=retire_at, switch_id=switch_id
        ),
        "retire_expires_at": retire_at + RETIRE_WITHIN,
        "undo_command_id": str(uuid.uuid4()) if undoes else None,
        "undo_payload": _json(instance_id=undone, not_before=now, switch_id=switch_id),
        "severity": "warning" if handover.cause in _SIGNALLED else "info",
        "message": (
            f"{handover.new_instance_id} is {handover.agent_name} now, "
            f"instead of {handover.old_instance_id} ({handover.cause})"
        ),
    }


def _deadline(handover: Handover, now: datetime) -> datetime | None:
    if handover.deadline_at is None and handover.cause is SwitchCause.TERMINATION:
        return now + NOTICE
    return handover.deadline_at


def _json(**values: Any) -> str:
    return orjson.dumps(values, option=orjson.OPT_UTC_Z).decode()
