"""Claims on job slots: one run of a job at a time, over any number of nodes.

All instants are the database's. The table's keys decide every race, not this code: a slot is a
primary key, and an open run of a job is a unique key.
"""

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backend.db.database import Database
from backend.db.session import Row
from backend.errors import UniqueViolation
from backend.repositories import job_runs

Status = Literal["running", "done", "failed"]
LEASE_ENDED = "the lease ended before the run did"


@dataclass(frozen=True, slots=True)
class JobRun:
    """The record of one slot of one job."""

    job: str
    slot: int
    status: Status
    node: str
    attempt: int
    lease_until: datetime
    started_at: datetime
    finished_at: datetime | None = None
    row_count: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one slot: it lasts as long as its lease is extended."""

    job: str
    slot: int
    attempt: int
    node: str


def name_this_node() -> str:
    """Return a name that no other process, and no later one of this process id, has."""
    return f"{socket.gethostname()[:70]}:{os.getpid()}:{secrets.token_hex(4)}"


class JobHistory:
    """Reads and claims job runs on behalf of one node. Thread-safe.

    Every method raises ``DatabaseError`` when the database cannot answer.

    Args:
        database: Where the claims are.
        node: A name of this process that no other has, see ``name_this_node``.
        read_clock: Another source of "now" than the database's own clock.
    """

    def __init__(
        self, database: Database, node: str, read_clock: Callable[[], datetime] | None = None
    ) -> None:
        self._database = database
        self._read_clock = read_clock or self._read_database_clock
        self.node = node

    def now(self) -> datetime:
        """Return the present instant that all nodes agree on."""
        return self._read_clock()

    def runs(self, job: str, *, limit: int) -> list[JobRun]:
        """Return the runs of a job, newest slot first."""
        rows = self._database.run(
            "list_recent_runs", lambda s: job_runs.list_recent_runs(s, job, limit=limit)
        )
        return [JobRun(**row) for row in rows]

    def newest_runs(self) -> dict[str, JobRun]:
        """Return the run of the newest slot of every job that ever ran."""
        rows = self._database.run("list_newest_runs", job_runs.list_newest_runs)
        return {row["job"]: JobRun(**row) for row in rows}

    def start(self, job: str, slot: int, *, now: datetime, lease: timedelta) -> Claim | None:
        """Claim a slot that was never run; None if it is taken or the job is running."""
        try:
            self._database.run(
                "start_run",
                lambda s: job_runs.start_run(
                    s, job, slot, node=self.node, now=now, lease_until=now + lease
                ),
            )
        except UniqueViolation:
            return None
        return Claim(job, slot, 1, self.node)

    def retake(self, run: JobRun, *, now: datetime, lease: timedelta) -> Claim | None:
        """Claim a slot again as ``run`` shows it; None if it has changed or the job is running."""
        row = {"job": run.job, "slot": run.slot, "attempt": run.attempt, "status": run.status}
        try:
            won = self._database.run(
                "retake_run",
                lambda s: job_runs.retake_run(
                    s, row, node=self.node, now=now, lease_until=now + lease
                ),
            )
        except UniqueViolation:
            return None
        return Claim(run.job, run.slot, run.attempt + 1, self.node) if won else None

    def abandon(self, run: JobRun, *, now: datetime) -> bool:
        """Close an expired run as failed; False if somebody else was faster."""
        row = {"job": run.job, "slot": run.slot, "attempt": run.attempt}
        return self._database.run(
            "abandon_run", lambda s: job_runs.abandon_run(s, row, now=now, error=LEASE_ENDED)
        )

    def extend(self, claim: Claim, *, lease: timedelta) -> bool:
        """Keep a run for another ``lease`` from now; False if it belongs to somebody else."""
        return self._set_lease(claim, self.now() + lease)

    def release(self, claim: Claim) -> bool:
        """Let any node take the run over at once; False if it belongs to somebody else."""
        return self._set_lease(claim, self.now())

    def finish(
        self,
        claim: Claim,
        status: Status,
        *,
        row_count: int | None = None,
        error: str | None = None,
    ) -> bool:
        """Close a run; False if it belongs to somebody else by now."""
        now = self.now()
        return self._database.run(
            "finish_run",
            lambda s: job_runs.finish_run(
                s, _row(claim), status=status, now=now, row_count=row_count, error=error
            ),
        )

    def _read_database_clock(self) -> datetime:
        return self._database.run("read_database_clock", job_runs.read_database_clock)

    def _set_lease(self, claim: Claim, until: datetime) -> bool:
        return self._database.run(
            "extend_lease", lambda s: job_runs.extend_lease(s, _row(claim), lease_until=until)
        )


def _row(claim: Claim) -> Row:
    return {
        "job": claim.job,
        "slot": claim.slot,
        "attempt": claim.attempt,
        "node": claim.node,
    }
