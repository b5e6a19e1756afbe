"""What only the doctor asks the database: the state of a session, and the account's rights."""

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def read_session(session: Session) -> Row:
    """Return the server's ``version``, and ``collation`` and ``time_zone`` of this session."""
    row = session.row(_SQL["read_session"])
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return row


def list_rights(session: Session) -> frozenset[str]:
    """Return the privileges granted directly to this account on the session's database."""
    return frozenset(str(row["privilege"]) for row in session.rows(_SQL["list_rights"]))
