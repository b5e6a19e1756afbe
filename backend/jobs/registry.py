"""The table of background jobs."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from backend.errors import NotFound
from backend.jobs.context import JobContext
from backend.jobs.slots import Policy

JobBody = Callable[[JobContext], int]


class Executor(StrEnum):
    """Which threads run a job: a slow upkeep job must not hold back an emergency one."""

    EMERGENCY = "emergency"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Job:
    """One background job.

    Attributes:
        name: Its id, in ``job_runs``, in logs and on the command line.
        period: Length of a slot.
        policy: What is owed for missed slots.
        lease: How long a silent node keeps its run; extended while the run lives.
        executor: The threads that run it.
        module: Module with ``run(context: JobContext) -> int``, the number of rows touched.
        summary: One sentence for people.
    """

    name: str
    period: timedelta
    policy: Policy
    lease: timedelta
    executor: Executor
    module: str
    summary: str

    def load(self) -> JobBody:
        """Import the body: late, so that a broken job stops nobody else."""
        body: JobBody = importlib.import_module(self.module).run
        return body


def build_registry(*jobs: Job) -> Mapping[str, Job]:
    """Return a read-only table of jobs by name.

    Raises:
        ValueError: two jobs have one name.
    """
    table = {job.name: job for job in jobs}
    if len(table) != len(jobs):
        msg = "two jobs have the same name"
        raise ValueError(msg)
    return MappingProxyType(table)


def get_job(registry: Mapping[str, Job], name: str) -> Job:
    """Return the job of this name.

    Raises:
        NotFound: names the jobs that exist.
    """
    if name not in registry:
        raise NotFound(f"There is no job {name!r}; there are {', '.join(sorted(registry))}")
    return registry[name]


JOBS = build_registry(
    Job(
        name="coordinate_replicas",
        period=timedelta(seconds=10),
        policy=Policy.LATEST,
        lease=timedelta(seconds=60),
        executor=Executor.EMERGENCY,
        module="backend.jobs.coordinate_replicas",
        summary="Every agent gets the standbys that it should have, and no more.",
    ),
    Job(
        name="detect_losses",
        period=timedelta(seconds=15),
        policy=Policy.LATEST,
        lease=timedelta(seconds=60),
        executor=Executor.EMERGENCY,
        module="backend.jobs.detect_losses",
        summary="Primaries that fell silent without a notice are looked after.",
    ),
    Job(
        name="promote_candidates",
        period=timedelta(seconds=30),
        policy=Policy.LATEST,
        lease=timedelta(seconds=60),
        executor=Executor.EMERGENCY,
        module="backend.jobs.promote_candidates",
        summary="Candidates take over from primaries that fell silent.",
    ),
    Job(
        name="sweep_leases",
        period=timedelta(seconds=30),
        policy=Policy.LATEST,
        lease=timedelta(seconds=60),
        executor=Executor.EMERGENCY,
        module="backend.jobs.sweep_leases",
        summary="Commands whose lease or time has ended are closed or handed out again.",
    ),
    # Shared with the database's event of the same name: period and name must agree with it.
    Job(
        name="mark_stale_agents",
        period=timedelta(minutes=1),
        policy=Policy.LATEST,
        lease=timedelta(minutes=2),
        executor=Executor.EMERGENCY,
        module="backend.jobs.mark_stale_agents",
        summary="Silent agents are marked offline, with a notification.",
    ),
    Job(
        name="record_agent_health",
        period=timedelta(minutes=5),
        policy=Policy.LATEST,
        lease=timedelta(minutes=2),
        executor=Executor.NORMAL,
        module="backend.jobs.record_agent_health",
        summary="One health row per agent and five minutes.",
    ),
    Job(
        name="dedup_prices",
        period=timedelta(minutes=1),
        policy=Policy.LATEST,  # each run goes on where the last finished one began
        lease=timedelta(minutes=2),
        executor=Executor.NORMAL,
        module="backend.jobs.dedup_prices",
        summary="Reported prices become one clean point per client, pool and five minutes.",
    ),
    Job(
        name="interpolate_prices",
        period=timedelta(minutes=5),
        policy=Policy.LATEST,  # as above
        lease=timedelta(minutes=2),
        executor=Executor.NORMAL,
        module="backend.jobs.interpolate_prices",
        summary="Short gaps between clean prices are filled, long ones recorded.",
    ),
    # Shared with the database's event of the same name: period and name must agree with it.
    Job(
        name="refresh_pool_reliability",
        period=timedelta(minutes=15),
        policy=Policy.LATEST,
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.refresh_pool_reliability",
        summary="Reliability and risk of the pools in use are refreshed.",
    ),
    Job(
        name="decide",
        period=timedelta(minutes=5),  # as backend.services.decision_inputs.PASS
        policy=Policy.LATEST,  # a decision about the past is worth nothing
        lease=timedelta(minutes=2),
        executor=Executor.NORMAL,
        module="backend.jobs.decide",
        summary="Every agent with auto-switch is decided about; permitted moves are ordered.",
    ),
    Job(
        name="label_outcomes",
        period=timedelta(hours=1),
        policy=Policy.LATEST,  # each run looks back for a day
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.label_outcomes",
        summary="What really happened is written beside the decisions of the last day.",
    ),
    Job(
        name="retire_forgotten_hosts",
        period=timedelta(minutes=10),
        policy=Policy.LATEST,
        lease=timedelta(minutes=2),
        executor=Executor.EMERGENCY,
        module="backend.jobs.retire_forgotten_hosts",
        summary="Hosts that were replaced and still run are ended, or told of.",
    ),
    Job(
        name="log_replica_costs",
        period=timedelta(minutes=5),
        policy=Policy.LATEST,  # each run books every hour since the last finished one
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.log_replica_costs",
        summary="What standbys cost is booked by UTC hour.",
    ),
    Job(
        name="close_hours",
        period=timedelta(minutes=10),
        policy=Policy.LATEST,  # each run closes every finished hour that is open
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.close_hours",
        summary="Finished hours of the savings ledger are closed, and corrected when more is known.",
    ),
    # Shared with the database's event of the same name: period and name must agree with it.
    Job(
        name="rollup_savings",
        period=timedelta(days=1),
        policy=Policy.LATEST,
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.rollup_savings",
        summary="The sums of the savings ledger's last week are made anew from its rows.",
    ),
    # Shared with the database's event of the same name. Yesterday's purge is today's: no catch-up.
    Job(
        name="purge_expired",
        period=timedelta(days=1),
        policy=Policy.LATEST,
        lease=timedelta(minutes=5),
        executor=Executor.NORMAL,
        module="backend.jobs.purge_expired",
        summary="What has outlived its retention is deleted.",
    ),
)
