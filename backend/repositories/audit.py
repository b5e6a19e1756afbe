"""The audit log: who changed what. Rows are only ever added here."""

from backend.db.session import Params, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_entry(session: Session, entry: Params) -> None:
    """Add an entry, in the transaction of the change that it records."""
    session.run(_SQL["insert_entry"], entry)
