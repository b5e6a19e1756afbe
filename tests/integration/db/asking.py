"""Short questions to a database, and everything it can tell about its own schema."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from backend.db.connect import DatabaseAddress, connect
from backend.db.objects import verbatim
from backend.db.session import Session

_COUNTERS = re.compile(r" AUTO_INCREMENT=\d+| STARTS '[^']*'")
_SHOWN = {
    "TABLE": "SELECT TABLE_NAME AS name FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
    "PROCEDURE": "SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
    "EVENT": "SELECT EVENT_NAME AS name FROM information_schema.EVENTS"
    " WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1",
}


@contextmanager
def session_at(address: DatabaseAddress) -> Iterator[Session]:
    """A session of its own connection."""
    with closing(connect(address)) as connection:
        yield Session(connection)


def ask(session: Session, text: str) -> list[dict]:
    """Run a text as it is and return its rows."""
    return session.rows(verbatim("ask", text))


def ask_at(address: DatabaseAddress, text: str) -> list[dict]:
    """The same on a connection of its own."""
    with session_at(address) as session:
        return ask(session, text)


def describe(address: DatabaseAddress) -> dict[str, list[str]]:
    """Everything in a database as the server itself shows it, without counters and start times."""
    described = {}
    with session_at(address) as session:
        for kind, names in _SHOWN.items():
            for row in ask(session, names):
                shown = ask(session, f"SHOW CREATE {kind} `{row['name']}`")[0]
                described[f"{kind} {row['name']}"] = [
                    _COUNTERS.sub("", str(value)) for value in shown.values()
                ]
        records = ask(
            session,
            "SELECT kind, name, version, checksum, fingerprint, statements_done,"
            " applied_at IS NULL AS is_open FROM schema_migrations ORDER BY kind, name",
        )
        described["records"] = [str(tuple(row.values())) for row in records]
    return described
