"""The coordinator: the standbys of the whole fleet, brought to what they should be.

One pass reads the fleet's differences set by set, decides in memory (``sef.desired``) and writes in
batches. It is idempotent: whatever a crash leaves undone, the next pass finds and does.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.errors import DatabaseError, DatabaseUnavailable
from backend.repositories import freezes, runtime_settings, standbys
from backend.sef.desired import AgentNow, Steps, decide
from backend.sef.silence import LaunchBudget
from backend.services.fleet_view import AgentRows, Histories, read_histories, read_pages, view_of
from backend.services.placement import Placement
from backend.services.silence_watch import silence_counts
from backend.services.standby_changes import Change, order_of

logger = logging.getLogger(__name__)

BATCH = 250  # agents in a transaction: a promotion never waits longer than one batch
CHANGES_PER_PASS = 4000  # agents; the rest is ten seconds later, before anything can wait for it
SAY_AGAIN_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Pass:
    """What one pass found and did; every number counts agents or replicas."""

    agents: int = 0
    ordered: int = 0
    ended: int = 0
    refused: int = 0
    skipped: list[str] = field(default_factory=list)
    rankings: int = 0

    @property
    def rows(self) -> int:
        """Rows touched, for the job's record."""
        return self.ordered + self.ended


class Coordinator:
    """Computes desired standbys against actual ones, and emits the differences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def coordinate(self, *, now: datetime, silence: timedelta) -> Pass:
        """Make one pass over the fleet.

        Args:
            now: The present.
            silence: How long an instance may go unheard.
        """
        done = Pass()
        context = self._database.run(
            "read_histories", lambda s: _read_context(s, self._database, now, silence)
        )
        changed = 0
        for page in read_pages(self._database):
            done.agents += len(page)
            judged = (self._judge(rows, context, done) for rows in page)
            found = (change for change in judged if change is not None)
            changes = list(islice(found, CHANGES_PER_PASS - changed))
            for first in range(0, len(changes), BATCH):
                self._apply(changes[first : first + BATCH], now, done)
            changed += len(changes)
            if changed >= CHANGES_PER_PASS:
                break
        done.rankings = context.placement.ranking_count
        self._tell_of_budget(context.budget, now)
        if done.rows or done.refused or done.skipped:
            logger.info(
                "%d standbys ordered, %d ended",
                done.ordered,
                done.ended,
                extra={
                    "action": "fleet_coordinated",
                    "agents": done.agents,
                    "ordered": done.ordered,
                    "ended": done.ended,
                    "refused": done.refused,
                    "skipped": len(done.skipped),
                },
            )
        return done

    def _judge(self, rows: AgentRows, context: "_Context", done: Pass) -> Change | None:
        """Decide for one agent; one whose rows cannot be understood is skipped and named."""
        try:
            view = context.view(rows)
            steps = context.decide(view)
            return _change(rows, steps, context)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one poisoned agent must not stop the pass
            _skip(done, rows.agent["agent_id"], error)
            return None

    def _apply(self, changes: Sequence[Change], now: datetime, done: Pass) -> None:
        """Write a batch; when the database refuses it, its halves, down to the one at fault."""
        try:
            written = self._database.transact(
                "change_standbys", lambda tx: _write(tx, changes, now)
            )
        except DatabaseUnavailable:
            raise
        except DatabaseError as error:
            if len(changes) == 1:
                _skip(done, changes[0].agent["agent_id"], error)
                return
            middle = len(changes) // 2
            self._apply(changes[:middle], now, done)
            self._apply(changes[middle:], now, done)
            return
        done.ordered += written.ordered
        done.ended += written.ended
        done.refused += written.refused

    def _tell_of_budget(self, budget: LaunchBudget, now: datetime) -> None:
        if not budget.exceeded:
            return
        notes = [
            {
                "event_type": "launch_budget_exceeded",
                "severity": "error",
                "client_id": client_id,
                "agent_id": None,
                "instance_id": None,
                "message": (
                    f"The launch budget of this hour is used up: {count} standbys are not ordered"
                ),
            }
            for client_id, count in sorted(budget.exceeded.items())
        ]

        def work(tx: Transaction) -> None:
            standbys.notify(tx, notes, now=now, quiet=SAY_AGAIN_AFTER)
            tx.commit()

        self._database.transact("tell_of_budget", work)
        for client_id, count in budget.exceeded.items():
            logger.warning(
                "The launch budget of client %s is used up; %d orders wait",
                client_id,
                count,
                extra={"action": "launch_budget_exceeded", "client_id": client_id, "count": count},
            )


@dataclass(frozen=True, slots=True)
class _Context:
    """What all decisions of a pass share."""

    now: datetime
    silence: timedelta
    counts_silence: bool
    global_freeze: str | None
    histories: Histories
    placement: Placement
    budget: LaunchBudget

    def view(self, rows: AgentRows) -> AgentNow:
        return view_of(
            rows,
            self.histories,
            global_freeze=self.global_freeze,
            now=self.now,
            silence=self.silence,
        )

    def decide(self, view: AgentNow) -> Steps:
        return decide(view, now=self.now, silence=self.silence, counts_silence=self.counts_silence)


def _read_context(
    session: Session, database: Database, now: datetime, silence: timedelta
) -> _Context:
    values = runtime_settings.list_settings(session)
    histories = read_histories(session, now)
    return _Context(
        now=now,
        silence=silence,
        counts_silence=silence_counts(session, now=now, timeout=silence, values=values),
        global_freeze=values.get(freezes.GLOBAL_SETTING),
        histories=histories,
        placement=Placement(database, now),
        budget=LaunchBudget(
            agents=histories.launches,
            clients=histories.client_launches,
            fleet=histories.fleet,
        ),
    )


def _change(rows: AgentRows, steps: Steps, context: _Context) -> Change | None:
    agent = rows.agent
    client_id, agent_id = agent["client_id"], agent["agent_id"]
    order = None
    if steps.hindrance == "launch_budget":
        context.budget.exceeded[client_id] += 1
    if steps.order is not None and context.budget.take(
        client_id, agent_id, is_wished=steps.order.kind == "manual"
    ):
        pools = context.placement.pools_for(
            client_id=client_id,
            region=agent["region"],
            instance_type=agent["instance_type"],
            az=agent["az"],
            mode=agent["mode"],
            taken=frozenset(r["pool_name"] for r in rows.standbys if r["pool_name"]),
            ondemand_price=agent["ondemand_price_usd_per_hour"],
        )
        order = order_of(agent, steps.order, pools)
    if order is None and not steps.endings:
        return None
    by_id = {row["replica_id"]: row for row in rows.standbys}
    endings = tuple((ending, by_id[ending.replica_id]) for ending in steps.endings)
    return Change(agent=agent, order=order, endings=endings)


class _Written(NamedTuple):
    """What one batch wrote; ``refused`` orders met another standby, or a table that refuses."""

    ordered: int
    ended: int
    refused: int


def _write(tx: Transaction, changes: Sequence[Change], now: datetime) -> _Written:
    """Write the changes whose agents are still as they were judged."""
    locked = standbys.lock_agents(tx, [change.agent["agent_id"] for change in changes])
    valid = [change for change in changes if _is_unchanged(change.agent, locked)]
    endings = [pair for change in valid for pair in change.ending_records()]
    standbys.end_standbys(tx, endings, now=now)
    in_books = standbys.insert_orders(
        tx, [record for change in valid if (record := change.order_record())], now=now
    )
    commands = [c for change in valid for c in change.command_records(in_books, now)]
    standbys.insert_commands(tx, commands, now=now)
    events = [event for change in valid for event in change.events(in_books)]
    standbys.record_events(tx, events, now=now)
    standbys.notify(tx, [event for event in events if event["severity"] != "info"], now=now)
    tx.commit()
    missing = sum(c.order is not None and c.order.replica_id not in in_books for c in valid)
    if missing:
        logger.warning(
            "%d orders for standbys were not accepted",
            missing,
            extra={"action": "standby_orders_refused", "count": missing},
        )
    return _Written(ordered=len(in_books), ended=len(endings), refused=missing)


def _is_unchanged(agent: Row, locked: dict[str, Row]) -> bool:
    present = locked.get(agent["agent_id"])
    return (
        present is not None
        and present["epoch"] == agent["epoch"]
        and (present["status"] == "deleted") == (agent["status"] == "deleted")
    )


def _skip(done: Pass, agent_id: str, error: Exception) -> None:
    done.skipped.append(agent_id)
    logger.error(
        "Agent %s is skipped: %s",
        agent_id,
        error,
        exc_info=error,
        extra={"action": "agent_skipped", "agent_id": agent_id},
    )
