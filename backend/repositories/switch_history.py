"""Switches as people read them. The statements that make switches: ``switches``."""

from dataclasses import asdict, dataclass

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFilter:
    """Which switches are listed; None passes over a filter. ``status`` may also be ``open``."""

    client_id: str | None
    status: str | None = None
    instance_id: str | None = None


def list_switches(
    session: Session, wanted: SwitchFilter, *, limit: int, offset: int = 0
) -> list[Row]:
    """Return a page of switches, the youngest first."""
    params = {**asdict(wanted), "limit": limit, "offset": offset}
    return session.rows(_SQL["list_switches"], params)


def count_switches(session: Session, wanted: SwitchFilter) -> int:
    """Return how many switches ``list_switches`` would list in all."""
    is_narrow = wanted.instance_id is not None
    statement = _SQL["count_switches"] if is_narrow else _SQL["count_by_status"]
    row = session.row(statement, asdict(wanted))
    return int(row["switch_count"]) if row else 0
