"""Ask the database what it is and what we may do there. Changes nothing, starts nothing."""

from collections import Counter
from typing import Final

from backend.clock import Clock
from backend.config import Settings
from backend.db.connect import DatabaseAddress
from backend.db.migrations import Migrator
from backend.db.open import address_of, local_server, open_database
from backend.db.server_binary import find_server_binary
from backend.db.session import Session
from backend.errors import ConfigError, DatabaseError, DatabaseUnavailable
from backend.repositories import diagnosis, health
from backend.services.diagnosis.facts import DatabaseFacts

_REASONS: Final = {
    1044: "the account may not use the database that DB_NAME names",
    1045: "the server refuses the account or its password",
    1049: "the database that DB_NAME names does not exist",
    1130: "the server lets nobody in from this machine",
    2002: "nobody answers at its address",
    2003: "nobody answers at its address",
    2005: "its host name is not known",
}


def find_server_program() -> str | None:
    """Return the path of the server program that a private database would use."""
    try:
        return str(find_server_binary().program)
    except ConfigError:
        return None


def find_address(settings: Settings) -> DatabaseAddress:
    """Return where the database is, without starting a private one.

    Raises:
        DatabaseUnavailable: the private server does not run, or is not ours to look at.
    """
    if not settings.uses_private_database:
        return address_of(settings)
    server = local_server(settings)
    try:
        if server.is_running():
            return server.address
    except OSError as error:
        raise DatabaseUnavailable(f"{error.filename}: {error.strerror}") from error
    raise DatabaseUnavailable("it does not run")


def look_at_database(settings: Settings, address: DatabaseAddress, clock: Clock) -> DatabaseFacts:
    """Return the facts of a database that answers.

    Raises:
        DatabaseError: it does not; ``explain`` says why in words.
    """
    database = open_database(settings, clock, address)
    try:
        with database.session() as session:
            return _look(session, Migrator(address, clock), clock)
    finally:
        database.close()


def explain(error: DatabaseError) -> str:
    """Say why the database cannot be used, as far as the error number tells."""
    number = error.facts.get("errno")
    if not isinstance(number, int):
        return error.message
    return _REASONS.get(number, f"{error.message} (error {number})")


def _look(session: Session, migrator: Migrator, clock: Clock) -> DatabaseFacts:
    before = clock.now()
    server = health.read_server(session)
    after = clock.now()
    ours = diagnosis.read_session(session)
    schema_problem = _schema_problem(migrator)
    return DatabaseFacts(
        version=str(ours["version"]),
        rights=diagnosis.list_rights(session),
        collation=str(ours["collation"]),
        time_zone=str(ours["time_zone"]),
        event_scheduler=str(server["event_scheduler"]),
        clock_difference=server["now"] - (before + (after - before) / 2),
        schema_problem=schema_problem,
        last_job_at=None if schema_problem else health.find_last_job_start(session),
    )


def _schema_problem(migrator: Migrator) -> str:
    """Return a sentence about what differs from the files; empty when nothing does."""
    try:
        items = migrator.problems()
    except DatabaseError:
        return "The schema is not installed."
    states = Counter(item.state for item in items)
    if not states:
        return ""
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"The schema differs from this program's files: {counted}; the first is {items[0].name}."
