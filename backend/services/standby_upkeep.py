"""What a crash or a lost message left undone about replicas and events, brought to its end."""

import logging
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.interruptions import InterruptionStatus
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, NotFound
from backend.repositories import event_endings, standbys
from backend.sef.desired import LONGEST_LAUNCH, STAND_DOWN_AFTER
from backend.sef.endings import PATIENCE, OverdueEvent, end_of
from backend.sef.policy import CONFIRMED_RUNNING, PROMOTABLE_HEARD
from backend.services.promotion import Promotion
from backend.services.replica_takeover import ReplicaTakeover
from backend.services.standby_changes import retirement_command

logger = logging.getLogger(__name__)

PROMOTIONS_PER_RUN = 200  # the rest is ten seconds later
TAKEN_FOR = timedelta(seconds=5)  # whoever took the notice is still at it
REMEMBERED = timedelta(days=7)  # instances of replicas that ended earlier are for the inventory
ASK_AGAIN_AFTER = timedelta(minutes=10)
MOST_ATTEMPTS = 5
SAY_AGAIN_AFTER = timedelta(hours=24)


class StandbyUpkeep:
    """Finishes promotions, retirements and events. Every method is idempotent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._promotion = Promotion(database)
        self._takeover = ReplicaTakeover(database, clock, self._promotion)

    def finish_promotions(self, now: datetime, *, is_sef_on: bool = True) -> int:
        """Let chosen replicas that live take over, and answer notices that nobody answered.

        With the fallback switched off only what was chosen before (also by a person) goes on.
        """
        heard_since = now - PROMOTABLE_HEARD
        chosen = self._database.run(
            "list_chosen",
            lambda s: standbys.list_chosen(
                s,
                heard_since=heard_since,
                confirmed_since=now - CONFIRMED_RUNNING,
                limit=PROMOTIONS_PER_RUN,
            ),
        )
        done = sum(
            self._takeover.take_over_if_chosen(r["client_id"], r["agent_id"], r["replica_id"])
            is not None
            for r in chosen
        )
        if not is_sef_on:
            return done
        unserved = self._database.run(
            "list_unserved",
            lambda s: standbys.list_unserved(
                s,
                taken_before=now - TAKEN_FOR,
                heard_since=heard_since,
                limit=PROMOTIONS_PER_RUN,
            ),
        )
        return done + sum(self._answer(row, now) for row in unserved)

    def _answer(self, row: Row, now: datetime) -> bool:
        try:
            self._promotion.promote(
                row["client_id"],
                row["agent_id"],
                row["replica_id"],
                cause=SwitchCause.TERMINATION,
                event_id=row["event_id"],
                expected_epoch=row["epoch"],
                deadline_at=row["deadline_at"],
                now=now,
            )
        except (Conflict, NotFound) as error:
            logger.info(
                "The notice is answered otherwise: %s",
                error.message,
                extra={
                    "action": "promotion_not_needed",
                    "agent_id": row["agent_id"],
                    "event_id": row["event_id"],
                },
            )
            return False
        return True

    def close_events(self, now: datetime) -> int:
        """Close the events whose time is over, and say what was lost; return how many."""
        closed = self._database.run(
            "expire_rebalances",
            lambda s: event_endings.expire_rebalances(
                s, received_before=now - STAND_DOWN_AFTER, now=now
            ),
        )
        overdue = self._database.run(
            "list_overdue_events",
            lambda s: event_endings.list_overdue(
                s, received_before=now - PATIENCE, deadline_before=now - PATIENCE
            ),
        )
        if not overdue:
            return closed

        def work(tx: Transaction) -> int:
            endings = [(row, end_of(_overdue(row))) for row in overdue]
            count = event_endings.close_events(
                tx,
                [
                    {"event_id": row["event_id"], "status": end.status, "reason": end.reason}
                    for row, end in endings
                ],
                now=now,
            )
            told = [_ending_event(row, end.status, end.reason) for row, end in endings]
            standbys.record_events(tx, told, now=now)
            standbys.notify(tx, [t for t in told if t["severity"] != "info"], now=now)
            tx.commit()
            return count

        return closed + self._database.transact("close_events", work)

    def finish_endings(self, now: datetime) -> int:
        """Close replicas whose instance is gone; have those ended that still run."""
        closed = self._database.run(
            "close_ended_replicas",
            lambda s: standbys.close_ended(s, launched_since=now - LONGEST_LAUNCH, now=now),
        )
        running = self._database.run(
            "list_unretired",
            lambda s: standbys.list_unretired(
                s, since=now - REMEMBERED, asked_since=now - ASK_AGAIN_AFTER
            ),
        )
        if not running:
            return closed
        able = [row for row in running if _can_be_ended(row)]

        def work(tx: Transaction) -> None:
            standbys.lock_agents(tx, list({row["agent_id"] for row in running}))
            records = [
                retirement_command(
                    row,
                    replica_id=row["replica_id"],
                    instance_id=row["instance_id"],
                    not_before=now,
                    now=now,
                    attempt=row["attempts"],
                )
                for row in able
            ]
            standbys.insert_commands(tx, records, now=now)
            helpless = [_needs_ending(row) for row in running if row not in able]
            standbys.notify(tx, helpless, now=now, quiet=SAY_AGAIN_AFTER)
            tx.commit()

        self._database.transact("retire_replicas", work)
        return closed + len(able)


def _can_be_ended(row: Row) -> bool:
    is_ours = row["primary_id"] is not None and row["protocol"] >= NATIVE_PROTOCOL
    return is_ours and row["agent_status"] != "deleted" and row["attempts"] < MOST_ATTEMPTS


def _needs_ending(row: Row) -> dict[str, str | None]:
    return {
        "event_type": "replica_needs_ending",
        "severity": "warning",
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "instance_id": row["instance_id"],
        "message": (
            f"{row['instance_id']} was a replica of {row['logical_agent_id']} and still runs: "
            "end it by hand"
        ),
    }


def _overdue(row: Row) -> OverdueEvent:
    return OverdueEvent(
        is_of_primary=row["instance_id"] == row["primary_instance_id"],
        is_drill=bool(row["is_drill"]),
        ends_at=row["deadline_at"] or row["received_at"],
        heard_at=row["last_seen_at"],
        replica_status=row["replica_status"],
        failure=row["failure_reason"],
    )


def _ending_event(row: Row, status: InterruptionStatus, reason: str) -> dict[str, str | None]:
    is_lost = status is InterruptionStatus.LOST
    outlived = reason == "host_outlived_deadline"
    name, instance_id = row["logical_agent_id"], row["instance_id"]
    if is_lost:
        why = row["failure_reason"] or "nothing took its place"
        message = f"{name} is lost: {instance_id} was interrupted and not replaced ({why})"
    elif outlived:
        message = f"{instance_id} of {name} outlived its termination notice: nothing was replaced"
    else:
        message = f"The emergency of {instance_id} ({name}) is over: {reason}"
    return {
        "event_type": "agent_lost" if is_lost else "interruption_closed",
        "severity": "error" if is_lost else "warning" if outlived else "info",
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "instance_id": instance_id,
        "message": message[:500],
    }
