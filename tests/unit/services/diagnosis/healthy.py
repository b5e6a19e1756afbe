"""Facts of an installation where everything is in order, to be varied one at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.services.diagnosis.database_checks import NEEDED_RIGHTS
from backend.services.diagnosis.facts import DatabaseFacts, Facts, Folder, PortState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def healthy_database(**changes: Any) -> DatabaseFacts:
    """A server that is in order, with some facts changed."""
    database = DatabaseFacts(
        version="10.11.19-MariaDB",
        rights=NEEDED_RIGHTS,
        collation="utf8mb4_bin",
        time_zone="+00:00",
        event_scheduler="ON",
        clock_difference=timedelta(milliseconds=3),
        schema_problem="",
        last_job_at=NOW - timedelta(seconds=20),
    )
    return replace(database, **changes)


def healthy(**changes: Any) -> Facts:
    """An installation that is in order, with some facts changed."""
    facts = Facts(
        now=NOW,
        python=(3, 11),
        has_c_extension=True,
        settings_error="",
        file_names=frozenset({"DB_PASSWORD"}),
        environment_names=frozenset({"HOSTNAME", "LANG", "PATH", "PORT"}),
        known_names=frozenset({"DB_HOST", "DB_PASSWORD", "HOST", "PORT"}),
        is_production=False,
        local=Folder(".local", is_usable=True, free_bytes=50_000_000_000),
        models=Folder("models", is_usable=True, free_bytes=50_000_000_000),
        uses_private_database=True,
        server_program="/usr/sbin/mariadbd",
        port=5000,
        port_state=PortState.OURS,
        database=healthy_database(),
    )
    return replace(facts, **changes)
