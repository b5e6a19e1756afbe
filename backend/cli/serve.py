"""``serve``: everything on this machine, in one command."""

import os

import click

from backend.clock import SystemClock
from backend.config import load_settings
from backend.observability.logging import configure_logging
from backend.serve.startup import serve
from backend.stopping import StopRequest


@click.command("serve")
def serve_command() -> None:
    """Start database, web server and jobs, and look after them until Ctrl-C.

    Without DB_HOST a private database is made and run under LOCAL_DIR. Exit status: 0 after a
    clean stop, 1 when something prevents the start, 2 when a setting is wrong.
    """
    stop = StopRequest()
    stop.listen()
    settings = load_settings(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    serve(settings, SystemClock(), stop, click.echo)
