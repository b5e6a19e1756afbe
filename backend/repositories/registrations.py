"""Registrations: the one write that creates agents and moves roles at sign-on."""

from backend.db.session import Params, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def apply_registration(session: Session, params: Params) -> bool:
    """Apply a decided registration; False when the agent has changed since.

    Needs an autocommit session: the procedure is sealed.
    """
    row = session.row(_SQL["apply_registration"], params)
    return bool(row and row["applied"])
