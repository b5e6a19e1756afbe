"""Does the database have the schema that this program was written for?"""

from collections.abc import Callable

from backend.db import schema_records
from backend.db.session import Session
from backend.db.sources import Sources


def pending_migrations(sources: Sources) -> Callable[[Session], list[str]]:
    """Return a question to ask over a session: which migrations are not applied completely?

    Migrations that this program does not know are not its business: a newer node may have applied
    them during a rolling update.
    """
    names = [migration.name for migration in sources.migrations]

    def ask(session: Session) -> list[str]:
        records = schema_records.list_records(session)
        applied = {key[1] for key, record in records.items() if record.applied_at is not None}
        return [name for name in names if name not in applied]

    return ask
