"""``jobs``: the scheduler process, and a look at what it does."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import click
from rich import box
from rich.console import Console
from rich.table import Table

from backend.clock import SystemClock
from backend.config import Settings, load_settings
from backend.db.open import address_of, local_server, open_database
from backend.jobs.registry import JOBS, Job, get_job
from backend.jobs.runner import Outcome, Runner
from backend.jobs.scheduler import Scheduler
from backend.observability.logging import configure_logging
from backend.services.job_history import JobHistory, JobRun, name_this_node
from backend.stopping import StopRequest

EXIT_FAILED = 1


@dataclass(frozen=True, slots=True)
class _Node:
    """This process as a node that may run jobs."""

    settings: Settings
    clock: SystemClock
    history: JobHistory
    runner: Runner


@click.group("jobs", invoke_without_command=True)
@click.pass_context
def jobs_group(context: click.Context) -> None:
    """Run the background jobs until Ctrl-C, or look at them."""
    if context.invoked_subcommand is None:
        run_scheduler()


def run_scheduler() -> None:
    """Run the scheduler process; ends the process with the scheduler's status."""
    stop = StopRequest()
    stop.listen()
    with _node() as node:
        scheduler = Scheduler(node.runner, node.history, node.clock, JOBS, stop=stop)
        status = scheduler.run()
    sys.stderr.flush()
    if status:
        os._exit(status)  # a thread that does not end would hold the interpreter
    sys.exit(0)


@jobs_group.command("run")
@click.argument("name")
@click.option("--force", is_flag=True, help="Run the present slot again though it is done.")
def run_command(name: str, *, force: bool) -> None:
    """Run the job NAME now, unless its present slot is done or another node runs it."""
    with _node() as node:
        job = get_job(JOBS, name)
        if force:
            click.echo(f"Running {name} even if its present slot has been run already")
        outcome, result = node.runner.run_now(job, force=force)
    match outcome:
        case Outcome.DONE:
            click.echo(f"{name}: done, {result.row_count} rows")
        case Outcome.ALREADY_DONE:
            click.echo(f"{name}: the present slot is done already; --force runs it again")
        case Outcome.BUSY:
            click.echo(f"{name}: another node is running it", err=True)
            sys.exit(EXIT_FAILED)
        case Outcome.FAILED:
            click.echo(f"{name}: failed: {result.error}", err=True)
            sys.exit(EXIT_FAILED)


@jobs_group.command("list")
def list_command() -> None:
    """Show every job with its newest run; instants are UTC."""
    with _node() as node:
        newest = node.history.newest_runs()
    table = Table(box=box.SIMPLE)
    for heading in ("job", "period", "last start", "status", "try", "rows", "ms"):
        table.add_column(heading, no_wrap=True)
    for name, job in sorted(JOBS.items()):
        table.add_row(*_cells(job, newest.get(name)))
    Console().print(table)
    for name, job in sorted(JOBS.items()):
        run = newest.get(name)
        note = f" Last run on {run.node}." if run else ""
        note += f" Last error: {run.error}" if run and run.error else ""
        click.echo(f"{name}: {job.summary}{note}")


def _cells(job: Job, run: JobRun | None) -> tuple[str, ...]:
    if run is None:
        return (job.name, _short(job.period), "never", "", "", "", "")
    took = run.finished_at - run.started_at if run.finished_at else None
    return (
        job.name,
        _short(job.period),
        run.started_at.strftime("%m-%d %H:%M:%S"),
        run.status,
        str(run.attempt),
        "" if run.row_count is None else str(run.row_count),
        "" if took is None else str(took // timedelta(milliseconds=1)),
    )


def _short(period: timedelta) -> str:
    """Return a period as people say it: 30 s, 5 min, 1 day."""
    seconds = int(period.total_seconds())
    for size, unit in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@contextmanager
def _node() -> Iterator[_Node]:
    """Lend a node over the configured database; a private server is started or adopted."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    clock = SystemClock()
    with ExitStack() as stack:
        if settings.uses_private_database:
            address = stack.enter_context(local_server(settings).running())
        else:
            address = address_of(settings)
        database = stack.enter_context(closing(open_database(settings, clock, address)))
        history = JobHistory(database, name_this_node())
        yield _Node(settings, clock, history, Runner(history, database, clock, settings))
