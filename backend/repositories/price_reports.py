"""Price reports, as agents send them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

import orjson

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


def record_pricing_reports(session: Session, reports: Sequence[Params], *, now: datetime) -> bool:
    """Keep several reports of which none brings a current price up; False when nothing was kept.

    Args:
        session: An autocommit session: the procedure is sealed.
        reports: The parameters of ``record_pricing_report``.
        now: The present.
    """
    ordered = sorted(reports, key=itemgetter("agent_id", "instance_id"))
    text = orjson.dumps([_plain(report) for report in ordered]).decode()
    row = session.row(_SQL["record_pricing_reports"], {"now": now, "reports": text})
    return bool(row and row["is_kept"])


def _plain(report: Params) -> dict[str, object]:
    return {name: _text(value) for name, value in report.items()}


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value) if isinstance(value, Decimal) else value


def unfold_price_reports(session: Session, *, limit: int) -> int:
    """Spread up to ``limit`` pending reports over the price tables; return how many there were.

    Needs an autocommit session: the procedure is sealed. A report is unfolded exactly once,
    however many callers there are.
    """
    session.run(_SQL["unfold_price_reports"], {"limit": limit})
    row = session.row(_SQL["read_report_count"])
    return int(row["row_count"]) if row else 0
