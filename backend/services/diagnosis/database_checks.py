"""Judge a database server that answers. Pure functions, in the order in which to mend."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from backend.services.diagnosis.facts import DatabaseFacts, Facts
from backend.services.diagnosis.findings import Finding, Verdict

OLDEST_MYSQL: Final = (8, 0)
OLDEST_MARIADB: Final = (10, 11)
COLLATION: Final = "utf8mb4_bin"
LARGEST_CLOCK_DIFFERENCE: Final = timedelta(seconds=1)  # above it a node is not ready
JOBS_ARE_ALIVE_WITHIN: Final = timedelta(minutes=5)  # the slowest frequent job, and some patience
# What creating and using the schema takes, all on the one database.
NEEDED_RIGHTS: Final = frozenset(
    {
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES",
        "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE", "EVENT",
    }
)  # fmt: skip
_SECONDS_ARE_SHOWN_BELOW: Final = 120


def _version(_: Facts, database: DatabaseFacts) -> Finding:
    is_mariadb = "mariadb" in database.version.lower()
    product, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb else ("MySQL", OLDEST_MYSQL)
    found = re.findall(r"(\d+)\.(\d+)", database.version.removeprefix("5.5.5-"))
    if found and tuple(map(int, found[0])) >= oldest:
        return Finding("version", Verdict.OK, f"{product} {database.version}.")
    return Finding(
        "version",
        Verdict.PROBLEM,
        f"{product} {database.version} is too old for the schema.",
        "Use MySQL 8.0 or newer, or MariaDB 10.11 or newer.",
    )


def _rights(_: Facts, database: DatabaseFacts) -> Finding:
    missing = sorted(NEEDED_RIGHTS - database.rights)
    if not missing:
        return Finding("rights", Verdict.OK, "Our account may create and use the whole schema.")
    return Finding(
        "rights",
        Verdict.WARNING,
        f"Not granted to our account directly: {', '.join(missing)}. Through a role is fine.",
        "As an administrator: GRANT ALL PRIVILEGES ON <DB_NAME>.* TO <DB_USER>.",
    )


def _collation(_: Facts, database: DatabaseFacts) -> Finding:
    if database.collation == COLLATION:
        return Finding("collation", Verdict.OK, f"Sessions compare by {COLLATION}.")
    return Finding(
        "collation",
        Verdict.PROBLEM,
        f"Sessions compare by {database.collation}, not {COLLATION}; something rewrites them.",
        "Look for a proxy or an init_connect that changes the session.",
    )


def _time_zone(_: Facts, database: DatabaseFacts) -> Finding:
    if database.time_zone == "+00:00":
        return Finding("time_zone", Verdict.OK, "Sessions are in UTC.")
    return Finding(
        "time_zone",
        Verdict.PROBLEM,
        f"Sessions are in {database.time_zone}, not in UTC; something rewrites them.",
        "Look for a proxy or an init_connect that changes the session.",
    )


def _clock(_: Facts, database: DatabaseFacts) -> Finding:
    seconds = database.clock_difference.total_seconds()
    if abs(database.clock_difference) <= LARGEST_CLOCK_DIFFERENCE:
        return Finding("clock", Verdict.OK, f"The clocks differ by {seconds:+.3f} s.")
    return Finding(
        "clock",
        Verdict.PROBLEM,
        f"The database's clock differs by {seconds:+.3f} s; a node is ready only within 1 s.",
        "Keep both machines on NTP (timedatectl set-ntp true).",
    )


def _schema(_: Facts, database: DatabaseFacts) -> Finding:
    if not database.schema_problem:
        return Finding("schema", Verdict.OK, "All migrations are applied.")
    return Finding(
        "schema", Verdict.PROBLEM, database.schema_problem, "Run: python -m backend migrate up"
    )


def _events(_: Facts, database: DatabaseFacts) -> Finding:
    state = database.event_scheduler.upper()
    if state == "ON":
        return Finding("events", Verdict.OK, "The database's event scheduler runs.")
    return Finding(
        "events", Verdict.OK, f"The database's event scheduler is {state}; the jobs do its work."
    )


def _jobs(facts: Facts, database: DatabaseFacts) -> Finding:
    last = database.last_job_at
    if last is not None and facts.now - last <= JOBS_ARE_ALIVE_WITHIN:
        return Finding("jobs", Verdict.OK, f"The latest job started {_ago(facts.now - last)} ago.")
    said = "No job has ever run" if last is None else f"No job ran for {_ago(facts.now - last)}"
    return Finding(
        "jobs",
        Verdict.WARNING,
        f"{said}; nobody marks silent agents or expires leases.",
        "Start the program (make run) with ENABLE_BACKGROUND_JOBS=true on at least one node.",
    )


def _ago(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    return f"{seconds} s" if seconds < _SECONDS_ARE_SHOWN_BELOW else f"{seconds // 60} min"


DATABASE_CHECKS: Final[tuple[Callable[[Facts, DatabaseFacts], Finding], ...]] = (
    _version,
    _rights,
    _collation,
    _time_zone,
    _clock,
    _schema,
    _events,
    _jobs,
)
