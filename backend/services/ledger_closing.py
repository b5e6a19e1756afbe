"""Closes the hours of the ledger, and corrects closed ones when more is known."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from backend.db.database import Database, Transaction
from backend.db.session import Session
from backend.domain.ledger import HOUR, hour_of
from backend.domain.ledger_books import Change, compare
from backend.repositories import clean_prices, ledger, ledger_facts, savings_rollups
from backend.services.ledger_rows import read_booked, write_correction, write_row
from backend.services.ledger_timelines import read_timelines

logger = logging.getLogger(__name__)
T = TypeVar("T")

JOB: Final = "close_hours"
SETTLED_AFTER: Final = timedelta(minutes=10)  # by then the hour's reports are clean points
BACKFILL: Final = timedelta(days=31)  # before the first run
HOURS_A_RUN: Final = 48
CORRECTED_FOR: Final = timedelta(days=7)
OVERLAP: Final = timedelta(minutes=10)  # a run sees what was committed; the next one, the rest
AGENTS_AT_ONCE: Final = 200  # bounds a transaction
HOURS_AT_ONCE: Final = timedelta(hours=24)
LOOKED_AT: Final = 20_000  # estimated hours of agents, in one run
SOON: Final = timedelta(hours=3)  # most late prices come within
SELDOM: Final = timedelta(hours=6)  # so often an estimated hour is looked at again afterwards

Changes = list[tuple[str, Change]]  # agent, hour


@dataclass(frozen=True, slots=True)
class Closed:
    """What was done: hours closed for the fleet, agents' hours written, and those corrected."""

    hours: int = 0
    written: int = 0
    corrected: int = 0

    def __add__(self, other: "Closed") -> "Closed":
        return Closed(
            self.hours + other.hours,
            self.written + other.written,
            self.corrected + other.corrected,
        )


class LedgerClosing:
    """Books finished hours for every agent. Idempotent: what is booked right is not touched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self, *, now: datetime) -> Closed:
        """Close what is due, then correct what has become better known.

        Args:
            now: The present instant; an hour is due 10 minutes after its end. At most 48 are
                closed in a run, the oldest first, so that a backlog is worked off in portions.
        """
        first, end = self._due(now)
        done = Closed()
        for start in _steps(first, end, HOURS_AT_ONCE):
            stop = min(start + HOURS_AT_ONCE, end)
            for agents in self._fleet(start, stop):
                done += self._book(agents, start, stop, closed_before=first, now=now)
            hours = list(_steps(start, stop, HOUR))
            self._database.run(
                "mark_closed",
                lambda s, hours=hours: ledger.mark_closed(s, hours, now=now),  # type: ignore[misc]
            )
            done += Closed(hours=len(hours))
        done += self._correct_estimates(first, now=now)
        done += self._correct_timelines(first, now=now)
        if done.corrected:
            logger.info(
                "Corrected %d hours of agents in the ledger",
                done.corrected,
                extra={"action": "ledger_corrected", "hour_count": done.corrected},
            )
        return done

    def roll_up(self, *, now: datetime) -> int:
        """Sum the days that corrections may have touched anew; return how many days of agents.

        Closing keeps the sums by itself. This mends what a restored or edited ledger left behind.
        """
        since = (now - CORRECTED_FOR).date() - timedelta(days=1)

        def work(tx: Transaction) -> int:
            count = savings_rollups.roll_up_since(tx, since, now=now)
            tx.commit()
            return count

        return self._database.transact("roll_up_savings", work)

    def _due(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the span [first, end) of whole hours that are to be closed now."""

        def read(session: Session) -> tuple[datetime | None, datetime | None]:
            return ledger.find_last_closed(session), ledger_facts.find_first_agent(session)

        last, oldest = self._database.run("find_due_hours", read)
        end = hour_of(now - SETTLED_AFTER)
        first = last + HOUR if last else hour_of(max(oldest or now, now - BACKFILL))
        return first, max(first, min(end, first + HOURS_A_RUN * HOUR))

    def _fleet(self, since: datetime, until: datetime) -> Iterator[list[str]]:
        after = ""
        while True:
            agents = self._database.run(
                "list_ledger_agents",
                lambda s, after=after: ledger_facts.list_agents(  # type: ignore[misc]
                    s, after=after, since=since, until=until, limit=AGENTS_AT_ONCE
                ),
            )
            if agents:
                yield agents
            if len(agents) < AGENTS_AT_ONCE:
                return
            after = agents[-1]

    def _correct_estimates(self, closed_before: datetime, *, now: datetime) -> Closed:
        """Look again at hours whose price was missing or guessed."""
        hours = [
            hour
            for hour in _steps(hour_of(now - CORRECTED_FOR), closed_before, HOUR)
            if now - hour < SOON or (hour_of(now) - hour) % SELDOM == timedelta(0)
        ]
        found = self._database.run(
            "list_estimated_costs", lambda s: ledger.list_estimated(s, hours, limit=LOOKED_AT)
        )
        by_hour: dict[datetime, list[str]] = defaultdict(list)
        for hour, agent_id in found:
            by_hour[hour].append(agent_id)
        return self._book_again(
            [(agents, hour, hour + HOUR) for hour, agents in by_hour.items()],
            closed_before=closed_before,
            now=now,
        )

    def _correct_timelines(self, closed_before: datetime, *, now: datetime) -> Closed:
        """Look again at agents of which something about the past was reported since the last run."""

        def read(session: Session) -> dict[str, datetime]:
            done = clean_prices.find_last_done(session, JOB)
            return ledger_facts.list_touched(
                session,
                changed_after=(done or now) - OVERLAP,
                oldest=now - CORRECTED_FOR,
            )

        touched = self._database.run("list_touched_agents", read)
        by_hour: dict[datetime, list[str]] = defaultdict(list)
        for agent_id, since in touched.items():
            by_hour[hour_of(max(since, now - CORRECTED_FOR))].append(agent_id)
        spans = [
            (agents, start, min(start + HOURS_AT_ONCE, closed_before))
            for hour, agents in by_hour.items()
            for start in _steps(hour, closed_before, HOURS_AT_ONCE)
        ]
        return self._book_again(spans, closed_before=closed_before, now=now)

    def _book_again(
        self,
        spans: Iterable[tuple[Sequence[str], datetime, datetime]],
        *,
        closed_before: datetime,
        now: datetime,
    ) -> Closed:
        done = Closed()
        for agents, since, until in spans:
            for portion in _portions(agents, AGENTS_AT_ONCE):
                done += self._book(portion, since, until, closed_before=closed_before, now=now)
        return done

    def _book(
        self,
        agents: Sequence[str],
        since: datetime,
        until: datetime,
        *,
        closed_before: datetime,
        now: datetime,
    ) -> Closed:
        """Write the hours of some agents that differ from what is known now."""

        def read(session: Session) -> Changes:
            booked = read_booked(session, agents, since=since, until=until)
            known = read_timelines(session, agents, since=since, until=until)
            return [
                (agent_id, change)
                for agent_id in agents
                for change in compare(
                    booked.get(agent_id, ()),
                    known[agent_id].cut(since=since, until=until) if agent_id in known else (),
                    closed_before=closed_before,
                )
            ]

        changes = self._database.run("read_ledger_facts", read)
        if changes:
            self._database.transact("book_hours", lambda tx: _write(tx, changes, now=now))
        corrected = sum(change.correction is not None for _, change in changes)
        return Closed(written=len(changes), corrected=corrected)


def _write(tx: Transaction, changes: Changes, *, now: datetime) -> None:
    ledger.delete_hours(tx, [(agent_id, change.hour_at) for agent_id, change in changes])
    rows = [
        write_row(agent_id, row, now=now, is_correction=change.correction is not None)
        for agent_id, change in changes
        for row in change.rows
    ]
    ledger.insert_rows(tx, rows)
    corrections = [
        write_correction(agent_id, change.hour_at, change.correction)
        for agent_id, change in changes
        if change.correction is not None
    ]
    if corrections:
        ledger.insert_corrections(tx, corrections, now=now)
    days = {(agent_id, change.hour_at.date()) for agent_id, change in changes}
    savings_rollups.roll_up(tx, days, now=now)
    tx.commit()


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    while since < until:
        yield since
        since += step


def _portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
