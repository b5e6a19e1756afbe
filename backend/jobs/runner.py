"""Claim the slots of a job that are due, and run them.

Over any number of nodes at most one run of a job lives at a time, and a slot that is done is never
run again. Nodes need not agree on anything but the database.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.errors import DatabaseError, SpotOptimizerError
from backend.jobs.context import JobContext
from backend.jobs.lease import LeaseKeeper
from backend.jobs.registry import Job
from backend.jobs.slots import Abandon, Policy, Start, Step, next_step, slot_at, slot_bounds
from backend.services.job_history import Claim, JobHistory, JobRun, Status

logger = logging.getLogger(__name__)

SLOTS_PER_WAKE = 24  # catching up shares its thread with other jobs
RUNS_READ = {Policy.LATEST: 5, Policy.EVERY: 1000}


class Outcome(StrEnum):
    """How a run that was asked for by hand went."""

    DONE = "done"
    FAILED = "failed"
    BUSY = "busy"  # another node is running this job
    ALREADY_DONE = "already_done"  # the present slot has been run


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one run: rows touched, or the error as it stands in the history."""

    row_count: int | None = None
    error: str | None = None


class Runner:
    """Runs jobs on behalf of one node. Thread-safe.

    Args:
        history: The claims.
        database: Handed to the bodies.
        clock: Measures durations.
        settings: Handed to the bodies.
    """

    def __init__(
        self, history: JobHistory, database: Database, clock: Clock, settings: Settings
    ) -> None:
        self._history = history
        self._database = database
        self._clock = clock
        self._settings = settings
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._active: set[Claim] = set()

    def wake(self, job: Job) -> int:
        """Run what is due, oldest first, a bounded number of slots; return how many were run.

        Never raises: a database that is away is a warning, the next wake tries again.
        """
        count = 0
        try:
            for _ in range(SLOTS_PER_WAKE):
                if self._stopping.is_set():
                    break
                claim = self._claim_next(job)
                if claim is None:
                    break
                self._run(job, claim)
                count += 1
        except DatabaseError as error:
            logger.warning(
                "Cannot claim %s: %s",
                job.name,
                error.message,
                extra={"action": "job_claim_failed", "job": job.name, **error.facts},
            )
        return count

    def run_now(self, job: Job, *, force: bool = False) -> tuple[Outcome, Result]:
        """Run the present slot under the usual claims, once.

        Args:
            job: The job.
            force: Run the slot again though it is done, or has failed for the last time.

        Raises:
            DatabaseError: the claim cannot be read or written.
        """
        now = self._history.now()
        slot = slot_at(now, job.period)
        runs = self._history.runs(job.name, limit=RUNS_READ[job.policy])
        for run in runs:
            if run.status == "running" and run.slot != slot and run.lease_until <= now:
                self._abandon(run)
        known = next((run for run in runs if run.slot == slot), None)
        if known is not None and known.status == "done" and not force:
            return Outcome.ALREADY_DONE, Result(known.row_count)
        if known is None:
            claim = self._history.start(job.name, slot, now=now, lease=job.lease)
        else:
            claim = self._history.retake(known, now=now, lease=job.lease)
        if claim is None:
            return Outcome.BUSY, Result()
        result = self._run(job, claim)
        return Outcome.FAILED if result.error else Outcome.DONE, result

    def stop(self) -> None:
        """Claim nothing from here on."""
        self._stopping.set()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing runs any more; False if something still does after ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._active, timeout=seconds)

    def release_all(self) -> None:
        """Let other nodes take over what still runs here, at once.

        Raises:
            DatabaseError: the leases cannot be written; they end by themselves.
        """
        with self._changed:
            active = list(self._active)
        for claim in active:
            self._history.release(claim)
            logger.warning(
                "Left %s unfinished; any node may run it again",
                claim.job,
                extra={"action": "job_released", "job": claim.job, "slot": claim.slot},
            )

    def _claim_next(self, job: Job) -> Claim | None:
        while True:
            now = self._history.now()
            runs = self._history.runs(job.name, limit=RUNS_READ[job.policy])
            step = next_step(job.policy, slot_at(now, job.period), runs, now)
            if isinstance(step, Abandon):
                self._abandon(step.run)
                continue
            return self._take(job, step)

    def _take(self, job: Job, step: Step | None) -> Claim | None:
        now = self._history.now()
        match step:
            case Start(slot):
                return self._history.start(job.name, slot, now=now, lease=job.lease)
            case None | Abandon():
                return None
            case _:
                return self._history.retake(step.run, now=now, lease=job.lease)

    def _abandon(self, run: JobRun) -> None:
        if self._history.abandon(run, now=self._history.now()):
            logger.error(
                "Gave up slot %d of %s: its node vanished in attempt %d",
                run.slot,
                run.job,
                run.attempt,
                extra={"action": "job_abandoned", "job": run.job, "slot": run.slot},
            )

    def _run(self, job: Job, claim: Claim) -> Result:
        started = self._clock.monotonic()
        with self._noting(claim), LeaseKeeper(self._history, claim, job.lease):
            result = self._execute(job, claim)
        status: Status = "failed" if result.error else "done"
        kept = self._history.finish(claim, status, row_count=result.row_count, error=result.error)
        logger.info(
            "Job %s %s" if kept else "Job %s %s too late: another node has taken the slot over",
            job.name,
            status,
            extra={
                "action": "job_finished",
                "job": job.name,
                "slot": claim.slot,
                "attempt": claim.attempt,
                "status": status,
                "is_counted": kept,
                "row_count": result.row_count,
                "duration_ms": round((self._clock.monotonic() - started) * 1000, 1),
            },
        )
        return result

    def _execute(self, job: Job, claim: Claim) -> Result:
        start, end = slot_bounds(claim.slot, job.period)
        try:
            body = job.load()
            context = JobContext(
                database=self._database,
                clock=self._clock,
                settings=self._settings,
                slot_start=start,
                slot_end=end,
                now=self._history.now(),
            )
            return Result(row_count=body(context))
        except Exception as error:  # noqa: BLE001 - one bad job must not stop the others
            return _failed(claim, error)

    @contextmanager
    def _noting(self, claim: Claim) -> Iterator[None]:
        with self._changed:
            self._active.add(claim)
        try:
            yield
        finally:
            with self._changed:
                self._active.discard(claim)
                self._changed.notify_all()


def _failed(claim: Claim, error: Exception) -> Result:
    logger.error(
        "Job %s failed",
        claim.job,
        exc_info=error,
        extra={"action": "job_failed", "job": claim.job, "slot": claim.slot},
    )
    return Result(error=_describe(error))


def _describe(error: Exception) -> str:
    """Say what happened without row values or secrets: foreign messages stay in the log."""
    if not isinstance(error, SpotOptimizerError):
        return f"{type(error).__name__}: see the log"
    number = error.facts.get("errno")
    return f"{error.code}: {error.message}"[:450] + (f" (errno {number})" if number else "")
