"""Lend a command the services over the configured database."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from backend.bootstrap import Container, build_container
from backend.clock import SystemClock
from backend.config import load_settings
from backend.db.open import address_of, local_server, open_database
from backend.observability.logging import configure_logging
from backend.services.callers import Actor

CLI_ACTOR = Actor("cli", "command line")


@contextmanager
def open_services() -> Iterator[Container]:
    """Lend the services; a private database server is started, or adopted, for the while.

    Raises:
        ConfigError: a setting is wrong.
        DatabaseUnavailable: the database cannot be reached.
    """
    settings = load_settings(os.environ)
    configure_logging("WARNING", "plain")
    clock = SystemClock()
    with ExitStack() as stack:
        if settings.uses_private_database:
            address = stack.enter_context(local_server(settings).running())
        else:
            address = address_of(settings)
        database = stack.enter_context(closing(open_database(settings, clock, address)))
        yield build_container(settings, clock, database)
