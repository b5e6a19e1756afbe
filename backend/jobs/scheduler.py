"""The scheduler process: wakes every job often enough, and knows how to stop.

The scheduler only wakes: which slot is due, and whether this node may run it, the runner decides
in the database. So a late, doubled or lost wake does no harm.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from backend.clock import Clock
from backend.errors import DatabaseError
from backend.jobs.registry import Executor, Job
from backend.jobs.runner import Runner
from backend.services.job_history import JobHistory
from backend.stopping import StopRequest

logger = logging.getLogger(__name__)

LONGEST_WAKE = timedelta(seconds=30)  # how late a retry, or a take-over from a dead node, may be
SHORTEST_WAKE = timedelta(seconds=1)
THREADS_PER_EXECUTOR = 3
STOP_SECONDS = 8.0  # for the runs in progress; less than the supervisor waits
CHECK_SECONDS = 5.0  # between looks at the database
UNREACHABLE_SECONDS = 120.0  # so long without the database ends the process: let it start afresh


class Scheduler:
    """Runs the jobs of a registry until it is told to stop. One per process."""

    def __init__(
        self,
        runner: Runner,
        history: JobHistory,
        clock: Clock,
        registry: Mapping[str, Job],
        *,
        stop: StopRequest,
        stop_seconds: float = STOP_SECONDS,
        check_seconds: float = CHECK_SECONDS,
        unreachable_seconds: float = UNREACHABLE_SECONDS,
    ) -> None:
        self._runner = runner
        self._history = history
        self._clock = clock
        self._registry = registry
        self._stop_seconds = stop_seconds
        self._check_seconds = check_seconds
        self._unreachable_seconds = unreachable_seconds
        self._stop = stop

    def run(self) -> int:
        """Wake the jobs until a stop is requested.

        Returns:
            0 after a clean stop; 1 when the database was out of reach for too long; 3 when a run
            did not end in time and was released to other nodes: its thread still lives.
        """
        scheduler = self._build()
        scheduler.start()
        logger.info(
            "The scheduler of %d jobs has started as %s",
            len(self._registry),
            self._history.node,
            extra={"action": "scheduler_started", "node": self._history.node},
        )
        is_reachable = self._watch_database()
        self._runner.stop()
        scheduler.pause()
        is_idle = self._runner.wait_idle(self._stop_seconds)
        if not is_idle:
            self._release()
        scheduler.shutdown(wait=is_idle)
        logger.info("The scheduler has stopped", extra={"action": "scheduler_stopped"})
        if not is_idle:
            return 3
        return 0 if is_reachable else 1

    def _build(self) -> BackgroundScheduler:
        # Its warning about a run that is still going would repeat at every wake of a long job.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(THREADS_PER_EXECUTOR),
                **{str(name): ThreadPoolExecutor(THREADS_PER_EXECUTOR) for name in Executor},
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30},
        )
        for job in self._registry.values():
            seconds = wake_interval(job.period).total_seconds()
            scheduler.add_job(
                self._runner.wake,
                IntervalTrigger(seconds=seconds, timezone=UTC, jitter=seconds / 4),
                args=(job,),
                id=job.name,
                executor=str(job.executor),
                next_run_time=self._clock.now(),
            )
        return scheduler

    def _watch_database(self) -> bool:
        """Wait for the stop; False when the database is out of reach for too long."""
        heard = self._clock.monotonic()
        while not self._stop.wait(self._check_seconds):
            try:
                self._history.now()
                heard = self._clock.monotonic()
            except DatabaseError as error:
                silence = self._clock.monotonic() - heard
                logger.warning(
                    "The database is out of reach, last heard %.0f s ago: %s",
                    silence,
                    error.message,
                    extra={"action": "database_unreachable", "silent_seconds": round(silence)},
                )
                if silence >= self._unreachable_seconds:
                    return False
        return True

    def _release(self) -> None:
        try:
            self._runner.release_all()
        except DatabaseError as error:
            logger.warning(
                "Cannot release the runs in progress, their leases end by themselves: %s",
                error.message,
                extra={"action": "job_release_failed"},
            )


def wake_interval(period: timedelta) -> timedelta:
    """Return how often a job is looked at: twice a slot, but at least every half minute."""
    return min(max(period / 2, SHORTEST_WAKE), LONGEST_WAKE)
