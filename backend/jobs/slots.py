"""Which slot of a job is due: pure rules over the record of its runs.

A slot is a stretch of time, numbered from 1970: slot n of a job covers
[n * period, (n + 1) * period). Each slot is run once; a failed one up to three times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backend.services.job_history import JobRun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ATTEMPTS = 3
RETRY_AFTER = (timedelta(seconds=15), timedelta(seconds=60))  # after the first, the second failure


class Policy(StrEnum):
    """What a job owes for slots that nobody ran."""

    LATEST = "latest"  # nothing: only the newest slot counts
    EVERY = "every"  # all of them, oldest first


@dataclass(frozen=True, slots=True)
class Start:
    """Claim a slot for the first time."""

    slot: int


@dataclass(frozen=True, slots=True)
class Retake:
    """Claim a slot again: it failed, or its node has vanished."""

    run: JobRun


@dataclass(frozen=True, slots=True)
class Abandon:
    """Close a run whose node has vanished for the last permitted time."""

    run: JobRun


Step = Start | Retake | Abandon


def slot_at(instant: datetime, period: timedelta) -> int:
    """Return the number of the slot that contains ``instant``."""
    return (instant - EPOCH) // period


def slot_bounds(slot: int, period: timedelta) -> tuple[datetime, datetime]:
    """Return start (inclusive) and end (exclusive) of a slot."""
    return EPOCH + slot * period, EPOCH + (slot + 1) * period


def next_step(policy: Policy, current: int, runs: Sequence[JobRun], now: datetime) -> Step | None:
    """Return what to claim next, or None when nothing is due.

    Args:
        policy: What the job owes.
        current: The slot that contains ``now``.
        runs: The job's runs, newest slot first.
        now: The database's instant.
    """
    for run in runs:
        if run.status == "running":
            return _after_open_run(run, now)
    if not runs:
        return Start(current)
    if policy is Policy.LATEST:
        return _latest(current, runs[0], now)
    return _oldest_owed(current, runs, now)


def _after_open_run(run: JobRun, now: datetime) -> Step | None:
    if run.lease_until > now:
        return None
    return Retake(run) if run.attempt < MAX_ATTEMPTS else Abandon(run)


def _latest(current: int, newest: JobRun, now: datetime) -> Step | None:
    if newest.slot < current:
        return Start(current)
    return Retake(newest) if newest.slot == current and _is_retry_due(newest, now) else None


def _oldest_owed(current: int, runs: Sequence[JobRun], now: datetime) -> Step | None:
    known = {run.slot: run for run in runs}
    for slot in range(runs[-1].slot, current + 1):
        run = known.get(slot)
        if run is None:
            return Start(slot)
        if run.status == "failed" and run.attempt < MAX_ATTEMPTS:
            return Retake(run) if _is_retry_due(run, now) else None
    return None


def _is_retry_due(run: JobRun, now: datetime) -> bool:
    if run.status != "failed" or run.attempt >= MAX_ATTEMPTS or run.finished_at is None:
        return False
    return now >= run.finished_at + RETRY_AFTER[run.attempt - 1]
