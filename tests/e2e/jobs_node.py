"""One node of the test of jobs: the real scheduler over one job that writes down its runs.

Started as a program: socket, user and database as arguments, the password in the environment.
"""

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

from backend.clock import SystemClock
from backend.config import Settings
from backend.db.connect import DatabaseAddress
from backend.db.open import open_database
from backend.db.statements import Statement
from backend.jobs.context import JobContext
from backend.jobs.registry import Executor, Job, build_registry
from backend.jobs.runner import Runner
from backend.jobs.scheduler import Scheduler
from backend.jobs.slots import Policy
from backend.services.job_history import JobHistory, name_this_node
from backend.stopping import StopRequest

JOB = "counting"
PERIOD = timedelta(seconds=1)
LEASE = timedelta(milliseconds=1500)
WORK_SECONDS = 0.4

BEGIN = Statement.compile(
    "begin", "INSERT INTO counted_runs (slot_start, pid) VALUES (%(slot_start)s, %(pid)s)"
)


def run(context: JobContext) -> int:
    """Write down that this process runs this slot, and take a while."""
    params = {"slot_start": context.slot_start, "pid": os.getpid()}
    context.database.run("begin", lambda session: session.run(BEGIN, params))
    threading.Event().wait(WORK_SECONDS)
    return 1


def main() -> int:
    socket, user, name = sys.argv[1:4]
    clock = SystemClock()
    settings = Settings()
    address = DatabaseAddress(
        name=name, user=user, password=os.environ["NODE_PASSWORD"], unix_socket=Path(socket)
    )
    database = open_database(settings, clock, address)
    history = JobHistory(database, name_this_node())
    job = Job(JOB, PERIOD, Policy.EVERY, LEASE, Executor.NORMAL, __name__, "Counts its runs.")
    stop = StopRequest()
    stop.listen()
    runner = Runner(history, database, clock, settings)
    return Scheduler(runner, history, clock, build_registry(job), stop=stop).run()


if __name__ == "__main__":
    sys.exit(main())
