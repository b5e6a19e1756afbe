"""The WSGI target ``backend.wsgi:app``: settings from the environment and ``.env``.

Without DB_HOST it uses the private database server that ``serve`` started. Each worker process
imports this module for itself, so no connection is shared between processes.
"""

import os

from flask import Flask

from backend.app import create_app
from backend.bootstrap import build_container
from backend.clock import SystemClock
from backend.config import load_settings
from backend.db.open import WEB_TIMEOUT_SECONDS, address_of, local_server, open_database
from backend.observability.logging import configure_logging


def make_app() -> Flask:
    """Return the app of one worker process.

    Raises:
        ConfigError: a setting is wrong, or there is no private server yet.
    """
    settings = load_settings(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    clock = SystemClock()
    is_private = settings.uses_private_database
    address = local_server(settings).address if is_private else address_of(settings)
    return create_app(
        build_container(
            settings,
            clock,
            open_database(settings, clock, address, timeout_seconds=WEB_TIMEOUT_SECONDS),
        )
    )


app = make_app()
