"""Bring a database to the schema that the files under ``database/`` describe, and compare both.

Forward only. DDL ends transactions, so a migration cannot be undone as a whole; instead every
statement is recorded as begun and as done. A run that breaks off is continued where it stopped:

* a statement that changes rows commits together with its record, so it happens exactly once;
* a DDL statement that was under way when the process died is tried again, and the answer "exists
  already" (or "is gone already") then counts as done. One change per statement, therefore.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db import schema_records
from backend.db.connect import COLLATION, DatabaseAddress, connect
from backend.db.errors import translate
from backend.db.objects import (
    SchemaChangeFailed,
    bring_up_to_date,
    object_state,
    verbatim,
)
from backend.db.schema_lock import HeldLock, SchemaLock
from backend.db.schema_records import Key, Record
from backend.db.session import Session
from backend.db.sources import Migration, Sources, read_sources, table_names
from backend.errors import DatabaseError, SpotOptimizerError

logger = logging.getLogger(__name__)

LONGEST_STATEMENT_SECONDS = 6 * 3600  # an ALTER over a year of prices may take its time
LOCK_WAIT_SECONDS = 90.0

# Table, column, key, foreign key, check exist already; table, column or key are gone already.
ALREADY_DONE = frozenset({1050, 1051, 1060, 1061, 1091, 1826, 3822})
FINE = frozenset({"applied", "refused"})

_BEGIN = verbatim("begin", "START TRANSACTION")
_COMMIT = verbatim("commit", "COMMIT")


class SchemaMismatch(SpotOptimizerError):
    """The database and this program do not belong together."""

    code = "schema_mismatch"


@dataclass(frozen=True, slots=True)
class Item:
    """One migration or object with its state.

    States: "applied", "pending", "interrupted" (broke off half-way), "edited" (a migration's file
    changed after it was applied), "unknown" (the database has it, this program does not),
    "changed", "missing", "drifted" (objects whose file or definition differs) and "refused" (an
    event that the account may not create; a background job does its work).
    """

    kind: str
    name: str
    state: str
    applied_at: datetime | None


class Migrator:
    """Migrations of one database. ``address`` must name it; it must exist."""

    def __init__(
        self, address: DatabaseAddress, clock: Clock, sources: Sources | None = None
    ) -> None:
        self._address = address
        self._clock = clock
        self._sources = sources or read_sources()

    def up(
        self,
        tell: Callable[[str], None] = lambda _: None,
        *,
        lock_wait_seconds: float = LOCK_WAIT_SECONDS,
    ) -> list[str]:
        """Apply what is missing and return a sentence for each change. Idempotent.

        Safe to call from several processes at once: one works, the others wait and find it done.

        Args:
            tell: Called with each sentence as soon as it is true.
            lock_wait_seconds: How long to wait for another process that migrates.

        Raises:
            SchemaMismatch: the database is newer than this program, was not made by it, or an
                applied migration's file has been edited.
            SchemaLocked: another process kept the lock for the whole waiting time.
            SchemaChangeFailed: the database refused a statement; names it.
            DatabaseUnavailable: the server cannot be reached.
        """
        changes: list[str] = []

        def note(sentence: str) -> None:
            logger.info("%s", sentence, extra={"action": "schema_changed"})
            changes.append(sentence)
            tell(sentence)

        with self._session() as session:
            refuse_foreign_tables(session, self._sources)
            lock = SchemaLock(self._address, self._clock)
            with lock.held(session, wait_seconds=lock_wait_seconds) as held:
                self._up_locked(session, held, note)
        return changes

    def status(self) -> list[Item]:
        """Return every migration and object with its state, in order of application."""
        with self._session() as session:
            records = schema_records.list_records(session)
            existing = schema_records.list_fingerprints(session)
        migrations = [
            _item("migration", m.name, _migration_state(m, records), records)
            for m in self._sources.migrations
        ]
        objects = [
            _item(o.kind, o.name, object_state(o, records, existing), records)
            for o in self._sources.objects
        ]
        known = {(item.kind, item.name) for item in migrations + objects}
        unknown = [
            _item(kind, name, "unknown", records) for kind, name in sorted(set(records) - known)
        ]
        return migrations + objects + unknown

    def problems(self) -> list[Item]:
        """Return what differs between the files and the database; empty when all is well."""
        return [item for item in self.status() if item.state not in FINE]

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            connection = connect(self._address, timeout_seconds=LONGEST_STATEMENT_SECONDS)
        except Exception as error:
            raise translate(error) from error
        with contextlib.closing(connection):
            yield Session(connection)

    def _up_locked(self, session: Session, held: HeldLock, note: Callable[[str], None]) -> None:
        schema_records.create_table(session)
        records = schema_records.list_records(session)
        self._refuse_mismatch(records)
        self._set_collation(session)
        for migration in self._sources.migrations:
            record = records.get(("migration", migration.name))
            if record is None:
                schema_records.begin_migration(session, migration)
            if record is None or record.applied_at is None:
                self._apply(session, migration, record, held)
                note(f"migration {migration.name}: applied")
        bring_up_to_date(session, self._sources.objects, held, self._clock.now(), note)

    def _refuse_mismatch(self, records: dict[Key, Record]) -> None:
        known = {m.name for m in self._sources.migrations}
        for record in records.values():
            if record.kind == "migration" and record.name not in known:
                raise SchemaMismatch(
                    f"The database has migration {record.name}, which this program"
                    f" (newest: {self._sources.version:04}) does not know: update the program"
                )
        for migration in self._sources.migrations:
            if _migration_state(migration, records) == "edited":
                raise SchemaMismatch(
                    f"Migration {migration.name} was edited after it had been applied:"
                    " restore the file and put the change into a new migration"
                )

    def _set_collation(self, session: Session) -> None:
        """Make what names no collation compare by byte too, where the account may say so."""
        if schema_records.database_collation(session) != COLLATION:
            text = (
                f"ALTER DATABASE `{self._address.name}` CHARACTER SET utf8mb4 COLLATE {COLLATION}"
            )
            with contextlib.suppress(DatabaseError):
                session.run(verbatim("set_collation", text))

    def _apply(
        self, session: Session, migration: Migration, record: Record | None, held: HeldLock
    ) -> None:
        done = record.statements_done if record else 0
        under_way = record.statements_begun if record else 0
        for number, text in enumerate(migration.statements[done:], done + 1):
            held.verify()
            schema_records.begin_statement(session, migration, number)
            session.run(_BEGIN)
            try:
                session.call(verbatim(migration.name, text))
            except DatabaseError as error:
                was_under_way = number == under_way > done
                if not (was_under_way and error.facts.get("errno") in ALREADY_DONE):
                    self._note_failure(session, migration, number)
                    raise SchemaChangeFailed(
                        f"migration {migration.name}, statement {number} of"
                        f" {len(migration.statements)}: {error.__cause__}"
                    ) from error
            schema_records.finish_statement(session, migration, number)
            session.run(_COMMIT)
        schema_records.finish_migration(session, migration, self._clock.now())

    @staticmethod
    def _note_failure(session: Session, migration: Migration, number: int) -> None:
        """A refusal is no crash: the statement has not happened, and is not under way any more."""
        with contextlib.suppress(DatabaseError):
            session.run(verbatim("rollback", "ROLLBACK"))
            schema_records.begin_statement(session, migration, number - 1)


def refuse_foreign_tables(session: Session, sources: Sources) -> None:
    """Refuse a database that holds tables of our names but was never migrated by us.

    ``CREATE TABLE IF NOT EXISTS`` would take another product's tables for ours.
    """
    if schema_records.has_table(session, schema_records.TABLE):
        return
    for name in table_names(sources):
        if schema_records.has_table(session, name):
            raise SchemaMismatch(
                f"The database holds a table {name} that this program did not make:"
                " set DB_NAME to an empty database"
            )


def _migration_state(migration: Migration, records: dict[Key, Record]) -> str:
    record = records.get(("migration", migration.name))
    if record is None:
        return "pending"
    if record.applied_at is None:
        done = migration.checksum_of_first(record.statements_done)
        return "interrupted" if record.checksum == done else "edited"
    return "applied" if record.checksum == migration.checksum else "edited"


def _item(kind: str, name: str, state: str, records: dict[Key, Record]) -> Item:
    record = records.get((kind, name))
    return Item(kind, name, state, record.applied_at if record else None)
