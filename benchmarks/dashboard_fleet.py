"""The fleet that dashboards look at: agents with a past, and prices of weeks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.bootstrap import build_container
from backend.clock import Clock
from backend.config import Settings, read_settings
from backend.db.database import Database
from backend.db.local_server import LocalServer
from backend.db.migrations import Migrator
from backend.db.open import open_database
from backend.db.statements import beside
from backend.domain.prices import BUCKET
from backend.services.callers import Actor, Role
from backend.services.secrets import new_client_token
from benchmarks import decisions
from benchmarks.stage import Stage, free_port

_SQL = {
    **beside(decisions.__file__),
    **beside(str(Path(__file__).with_name("dashboard_routes.py"))),
}

CLIENTS, SIZES, ZONES = 4, 5, 6
POINTS_OF_A_BUCKET = 2 * CLIENTS * SIZES * ZONES  # raw and clean, of every client and pool
BUCKETS_AT_ONCE = 200
SWITCHES, EVENTS, NOTIFICATIONS, REPORTS, VITALS, ENTRIES = 8, 10, 3, 2, 12, 2
BUFFER_POOL = "1G"
ACTOR = Actor("system", "benchmark")


@dataclass(frozen=True, slots=True)
class Fleet:
    """A stage with that fleet, and an admin's key."""

    stage: Stage
    database_pid: int
    key: str
    agents: int
    prices: int

    def find_agent(self, number: int) -> None:
        """Ask for one agent."""
        params = {"agent_id": f"agent-{number}"}
        self.stage.database.run("find_agent", lambda s: s.row(_SQL["find_agent"], params))


@contextmanager
def dashboard_fleet(folder: Path, clock: Clock, *, agents: int, prices: int) -> Iterator[Fleet]:
    """Start a private server and fill it."""
    environment = {
        "LOCAL_DIR": str(folder),
        "DB_NAME": f"dashboards_{agents}",
        "PORT": str(free_port()),
        "SECRET_KEY": "only-for-a-benchmark-on-loopback",
        "LOG_LEVEL": "WARNING",
    }
    settings = read_settings(environment, None)
    server = LocalServer(
        folder / "mysql",
        database=settings.db_name,
        user=settings.db_user,
        options={"innodb-buffer-pool-size": BUFFER_POOL},
    )
    address = server.start()
    try:
        Migrator(address, clock).up()
        database = open_database(settings, clock, address)
        _fill(database, clock.now(), agents, prices)
        row = database.run("count_rows", lambda s: s.row(_SQL["count_rows"])) or {}
        stage = Stage(agents, environment, settings, database, new_client_token())
        pid = int((folder / "mysql" / "server.pid").read_text())
        key = _admin_key(settings, clock, database)
        yield Fleet(stage, pid, key, int(row["agents"]), int(row["prices"]))
        database.close()
    finally:
        server.stop(even_if_shared=True)


def _admin_key(settings: Settings, clock: Clock, database: Database) -> str:
    container = build_container(settings, clock, database)
    operator = container.operators.create("bench", "a long enough sentence", Role.ADMIN, ACTOR)
    return str(container.api_keys.create(operator["id"], "bench", None, ACTOR)["key"])


def _fill(database: Database, now: datetime, agents: int, prices: int) -> None:
    numbers = json.dumps(list(range(agents)))
    _run(database, "insert_clients", clients=json.dumps(list(range(CLIENTS))), now=now)
    _run(database, "insert_pools", sizes=json.dumps(list(range(1, SIZES + 1))), now=now)
    _run(database, "insert_prices", now=now)
    _run(database, "insert_ondemand", now=now)
    _run(database, "insert_agents", numbers=numbers, client_count=CLIENTS, now=now)
    _run(database, "insert_configs", now=now)
    _run(database, "insert_instances", numbers=numbers, size_count=SIZES, now=now)
    bucket_at = now - BUCKET
    bucket_at = bucket_at.replace(minute=bucket_at.minute // 5 * 5, second=0, microsecond=0)
    pasts = (
        ("insert_switches", SWITCHES),
        ("insert_events", EVENTS),
        ("insert_notifications", NOTIFICATIONS),
        ("insert_reports", REPORTS),
        ("insert_health", VITALS),
        ("insert_audit", ENTRIES),
    )
    for name, count in pasts:
        _run(database, name, steps=json.dumps(list(range(count))), now=now, bucket_at=bucket_at)
    buckets = -(-prices // POINTS_OF_A_BUCKET)
    for first in range(0, buckets, BUCKETS_AT_ONCE):
        steps = json.dumps(list(range(first, min(first + BUCKETS_AT_ONCE, buckets))))
        for name in ("insert_clean_points", "insert_raw_points", "insert_ondemand_points"):
            _run(database, name, steps=steps, now=now, bucket_at=bucket_at)


def _run(database: Database, name: str, **params: object) -> None:
    database.run(name, lambda s: s.run(_SQL[name], params))
