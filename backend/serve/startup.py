"""From settings to a running product, and back down in order."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

from backend.bootstrap import build_container
from backend.clock import Clock
from backend.config import Settings
from backend.db.connect import DatabaseAddress
from backend.db.migrations import Migrator
from backend.db.open import address_of, open_database
from backend.serve.folder_claim import FolderClaim
from backend.serve.guardian_link import Guardian
from backend.serve.private_database import PrivateDatabase
from backend.serve.scorer import scorer_child
from backend.serve.supervisor import Supervisor
from backend.serve.web import is_ready, jobs_child, require_free_port, shown_url, web_child
from backend.services.first_operator import FILE_NAME, ensure_first_operator
from backend.services.runtime_settings import publish_runtime_settings
from backend.stopping import StopRequest

READY_SECONDS = 60.0
LEAVING_SECONDS = 15.0  # the web server of a serve that was killed finishes its requests first

Say = Callable[[str], None]
T = TypeVar("T")


class Progress:
    """Tells the operator what is being done, and how long it took."""

    def __init__(self, clock: Clock, say: Say) -> None:
        self._clock = clock
        self.say = say

    def step(self, what: str, work: Callable[[], T]) -> T:
        """Do one piece of work between two lines."""
        self.say(f"{what} ...")
        started = self._clock.monotonic()
        result = work()
        self.say(f"{what}: {self._clock.monotonic() - started:.1f} s")
        return result


def serve(settings: Settings, clock: Clock, stop: StopRequest, say: Say) -> None:
    """Run everything until a stop is asked for.

    Args:
        settings: The settings, also those of the children: they read the same environment.
        clock: The machine's clock.
        stop: Ends it all.
        say: Tells the operator what is being done, a line at a time.

    Raises:
        SpotOptimizerError: what prevents the start, as one sentence. Nothing is left running.
    """
    with ExitStack() as stack:
        claim = stack.enter_context(FolderClaim(settings.local_dir))
        patience = LEAVING_SECONDS if claim.was_abandoned else 0.0
        require_free_port(settings.host, settings.port, patience, stop)
        guardian = Guardian()
        stack.callback(guardian.close)
        progress = Progress(clock, say)
        look_after: Callable[[], None] = _nothing
        if settings.uses_private_database:
            private = PrivateDatabase(settings, clock)
            guardian.finally_run(private.stop_command())
            stack.callback(_stop_database, private, guardian)
            address = progress.step("Private database", private.start)
            look_after = private.look_after
        else:
            address = address_of(settings)
        login = _prepare(settings, clock, address, progress)
        supervisor = stack.enter_context(_supervised(clock, guardian, stop, look_after))
        _start_children(settings, supervisor)
        waiting = partial(supervisor.wait_until, partial(is_ready, settings), READY_SECONDS)
        if progress.step("Web server", waiting):
            _announce(settings, login, say)
            supervisor.watch()
        say("Stopping: requests in flight are finished first")


def _prepare(
    settings: Settings, clock: Clock, address: DatabaseAddress, progress: Progress
) -> tuple[str, str] | None:
    """Bring the database up to date; return the first operator's login if it was made now."""
    progress.step("Database schema", lambda: Migrator(address, clock).up())
    database = open_database(settings, clock, address)
    try:
        container = build_container(settings, clock, database)
        publish_runtime_settings(database, settings, clock)
        return ensure_first_operator(container.operators, settings.local_dir)
    finally:
        database.close()


def _start_children(settings: Settings, supervisor: Supervisor) -> None:
    specs = [web_child(settings, os.environ)]
    specs.insert(0, scorer_child(settings))  # stopped last
    if settings.enable_background_jobs:
        specs.insert(1, jobs_child(os.environ))
    supervisor.start(specs)


def _announce(settings: Settings, login: tuple[str, str] | None, say: Say) -> None:
    password_file = settings.local_dir / FILE_NAME
    say("")
    say(f"Spot Optimizer is running: {shown_url(settings)}")
    if login:
        say(f"Sign in as {login[0]!r} with the password {login[1]} (also in {password_file})")
    elif password_file.is_file():
        say(f"Sign in with the first operator's password, in {password_file}")
    say("Stop with Ctrl-C")


@contextmanager
def _supervised(
    clock: Clock, guardian: Guardian, stop: StopRequest, look_after: Callable[[], None]
) -> Iterator[Supervisor]:
    supervisor = Supervisor(clock, guardian, stop, look_after)
    try:
        yield supervisor
    finally:
        supervisor.stop()


def _stop_database(private: PrivateDatabase, guardian: Guardian) -> None:
    private.stop()
    guardian.dismiss()


def _nothing() -> None:
    """What there is to look after beside the children of a database elsewhere."""
