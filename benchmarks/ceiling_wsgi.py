"""The ceiling under a web server: ``benchmarks.ceiling_wsgi:app``, settings from the environment."""

import os
from functools import partial

from backend.clock import SystemClock
from backend.config import load_settings
from backend.db.connect import connect
from backend.db.open import local_server
from backend.db.pool import Pool
from benchmarks.ceiling import make_app

settings = load_settings(os.environ, env_file=None)
clock = SystemClock()
app = make_app(
    Pool(
        partial(connect, local_server(settings).address),
        size=settings.db_pool_size,
        wait_seconds=settings.db_pool_wait_seconds,
        clock=clock,
    ),
    clock,
)
