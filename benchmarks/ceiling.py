"""The ceiling: a bare Flask app whose one endpoint does one indexed UPDATE of a single row.

What any program could reach at best on this machine with this framework, this web server, this pool
and this database; ``ceiling_wsgi.py`` is started exactly as the product is.
"""

from flask import Flask

from backend.clock import Clock
from backend.db.pool import Pool


def make_app(pool: Pool, clock: Clock) -> Flask:
    """Return the app over a pool of connections."""
    app = Flask("ceiling", static_folder=None)

    @app.post("/touch/<int:row>")
    def touch(row: int) -> str:
        now = f"{clock.now():%Y-%m-%d %H:%M:%S.%f}"
        statement = f"UPDATE benchmark_ceiling SET touched_at = '{now}' WHERE id = {row}"
        with pool.connection() as connection:
            connection.cmd_query(statement.encode())
        return ""

    return app
