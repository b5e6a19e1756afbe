"""Keep procedures, views and events as their files say: drop and create what differs.

Between the drop and the create of one object there is a moment without it; callers of a procedure
get an error then. MySQL has no CREATE OR REPLACE PROCEDURE, so that moment cannot be avoided.
"""

from collections.abc import Callable
from datetime import datetime

from backend.db import schema_records
from backend.db.schema_lock import HeldLock
from backend.db.schema_records import REFUSED, Key, Record
from backend.db.session import Session
from backend.db.sources import SchemaObject
from backend.db.statements import Statement
from backend.errors import DatabaseError, SpotOptimizerError

# No privilege on the database, no privilege on the server, event scheduler without its tables.
EVENTS_NOT_PERMITTED = frozenset({1044, 1227, 1577})


class SchemaChangeFailed(SpotOptimizerError):
    """A change of the schema was refused by the database."""

    code = "schema_change_failed"


def verbatim(name: str, text: str) -> Statement:
    """Make a statement of a text that is sent as it is: no parameters, percent signs are text."""
    return Statement(name, text, frozenset(), text.replace("%", "%%").encode())


def object_state(
    item: SchemaObject, records: dict[Key, Record], existing: dict[Key, str | None]
) -> str:
    """Return "applied", "pending", "changed" (file), "missing", "drifted" (database) or "refused"."""
    key = (item.kind, item.name)
    record = records.get(key)
    if record is None:
        return "pending"
    if record.checksum == REFUSED:
        return "refused"
    if key not in existing:
        return "missing"
    if record.checksum != item.checksum:
        return "changed"
    seen = existing[key]
    return "drifted" if seen is not None and seen != record.fingerprint else "applied"


def replace_object(session: Session, item: SchemaObject, now: datetime) -> bool:
    """Drop and create one object and record it; return False if the account may not create it.

    Raises:
        SchemaChangeFailed: the database refused it for another reason than missing event rights.
    """
    schema_records.forget_object(session, (item.kind, item.name))
    try:
        drop_object(session, item.kind, item.name)
        session.call(verbatim(item.name, item.statement))
    except DatabaseError as error:
        if item.kind == "event" and error.facts.get("errno") in EVENTS_NOT_PERMITTED:
            schema_records.record_object(session, item, checksum=REFUSED, fingerprint=None, now=now)
            return False
        raise SchemaChangeFailed(f"{item.kind} {item.name}: {error.__cause__}") from error
    fingerprint = schema_records.list_fingerprints(session).get((item.kind, item.name))
    schema_records.record_object(
        session, item, checksum=item.checksum, fingerprint=fingerprint, now=now
    )
    return True


def drop_object(session: Session, kind: str, name: str) -> None:
    """Drop a procedure, view or event unless it is gone already."""
    session.run(verbatim("drop_object", f"DROP {kind.upper()} IF EXISTS `{name}`"))


def bring_up_to_date(
    session: Session,
    items: tuple[SchemaObject, ...],
    held: HeldLock,
    now: datetime,
    tell: Callable[[str], None],
) -> None:
    """Replace the objects that differ from their files, drop those whose file is gone."""
    records = schema_records.list_records(session)
    existing = schema_records.list_fingerprints(session)
    for item in items:
        held.verify()
        state = object_state(item, records, existing)
        if state == "applied":
            continue
        if replace_object(session, item, now):
            tell(f"{item.kind} {item.name}: {'created' if state == 'pending' else 'replaced'}")
        else:
            tell(
                f"event {item.name}: not permitted to this account, the background job does its work"
            )
    wanted = {("migration", ""), *((item.kind, item.name) for item in items)}
    for kind, name in sorted(set(records) - wanted):
        if kind != "migration":
            drop_object(session, kind, name)
            schema_records.forget_object(session, (kind, name))
            tell(f"{kind} {name}: dropped, its file is gone")
