"""Price reports, as agents send them."""

from backend.db.session import Params, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def record_pricing_report(session: Session, params: Params) -> tuple[bool, bool]:
    """Keep a report; return (the instance is known, the report had been kept before).

    Needs an autocommit session: the procedure is sealed.

    Raises:
        ForeignKeyViolation: a pool id does not exist (any more).
    """
    row = session.row(_SQL["record_pricing_report"], params)
    return (bool(row["is_known"]), bool(row["is_repeat"])) if row else (False, False)
