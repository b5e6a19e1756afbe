"""What the database remembers of the changes made to it: the table ``schema_migrations``."""

from dataclasses import dataclass
from datetime import datetime

from backend.db.session import Session
from backend.db.sources import Migration, SchemaObject
from backend.db.statements import beside

NAMED_SQL = beside(__file__)

TABLE = "schema_migrations"
REFUSED = "refused"  # stands for the checksum of an event that this account may not create

Key = tuple[str, str]  # kind ("migration", "procedure", "view", "event") and name


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``applied_at`` is None for a migration that did not reach its end."""

    kind: str
    name: str
    version: int
    checksum: str
    fingerprint: str | None
    statements_begun: int
    statements_done: int
    applied_at: datetime | None


def has_table(session: Session, name: str) -> bool:
    """Return whether the present database has a table of this name."""
    return session.row(NAMED_SQL["has_table"], {"name": name}) is not None


def create_table(session: Session) -> None:
    """Create ``schema_migrations`` unless it exists."""
    session.run(NAMED_SQL["create_table"])


def list_records(session: Session) -> dict[Key, Record]:
    """Return everything recorded; empty for a database that was never migrated."""
    if not has_table(session, TABLE):
        return {}
    records = (Record(**row) for row in session.rows(NAMED_SQL["list_records"]))
    return {(record.kind, record.name): record for record in records}


def list_fingerprints(session: Session) -> dict[Key, str | None]:
    """Return the procedures, views and events that exist, with their digests."""
    rows = session.rows(NAMED_SQL["list_fingerprints"])
    return {(row["kind"], row["name"]): row["fingerprint"] for row in rows}


def database_collation(session: Session) -> str:
    """Return the default collation of the present database."""
    row = session.row(NAMED_SQL["database_collation"])
    return str(row["collation_name"]) if row else ""


def begin_migration(session: Session, migration: Migration) -> None:
    """Announce a migration before its first statement."""
    params = {
        "name": migration.name,
        "version": migration.version,
        "checksum": migration.checksum_of_first(0),
    }
    session.run(NAMED_SQL["begin_migration"], params)


def begin_statement(session: Session, migration: Migration, number: int) -> None:
    """Announce statement ``number`` (from 1) before it runs."""
    session.run(NAMED_SQL["begin_statement"], {"name": migration.name, "number": number})


def finish_statement(session: Session, migration: Migration, number: int) -> None:
    """Record that the first ``number`` statements are done."""
    checksum = migration.checksum_of_first(number)
    params = {"name": migration.name, "number": number, "checksum": checksum}
    session.run(NAMED_SQL["finish_statement"], params)


def finish_migration(session: Session, migration: Migration, now: datetime) -> None:
    """Record that a migration is complete."""
    params = {"name": migration.name, "checksum": migration.checksum, "now": now}
    session.run(NAMED_SQL["finish_migration"], params)


def record_object(
    session: Session, item: SchemaObject, *, checksum: str, fingerprint: str | None, now: datetime
) -> None:
    """Record that an object was created, or with checksum ``REFUSED`` that it could not be."""
    params = {
        "kind": item.kind,
        "name": item.name,
        "checksum": checksum,
        "fingerprint": fingerprint,
        "now": now,
    }
    session.run(NAMED_SQL["record_object"], params)


def forget_object(session: Session, key: Key) -> None:
    """Forget an object before it is dropped."""
    session.run(NAMED_SQL["forget_object"], {"kind": key[0], "name": key[1]})
