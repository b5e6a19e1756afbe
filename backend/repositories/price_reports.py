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


def unfold_price_reports(session: Session, *, limit: int) -> int:
    """Spread up to ``limit`` pending reports over the price tables; return how many there were.

    Needs an autocommit session: the procedure is sealed. A report is unfolded exactly once,
    however many callers there are.
    """
    session.run(_SQL["unfold_price_reports"], {"limit": limit})
    row = session.row(_SQL["read_report_count"])
    return int(row["row_count"]) if row else 0
