"""Instances as people read them: lists with filters, and the facts of one instance."""

from dataclasses import asdict, dataclass
from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """Which instances are listed; None passes over a filter.

    ``pattern`` is a LIKE pattern whose escape character is ``!``, in lower case.
    """

    client_id: str | None
    is_active: bool | None = None
    mode: str | None = None
    region: str | None = None
    pattern: str | None = None
    search_names: bool = False


def list_instances(
    session: Session, wanted: InstanceFilter, *, limit: int, offset: int = 0
) -> list[Row]:
    """Return a page of instances, the youngest first."""
    params = {**asdict(wanted), "limit": limit, "offset": offset}
    return session.rows(_SQL["list_instances"], params)


def count_instances(session: Session, wanted: InstanceFilter) -> int:
    """Return how many instances ``list_instances`` would list in all."""
    row = session.row(_SQL["count_instances"], asdict(wanted))
    return int(row["instance_count"]) if row else 0


def find_instance(session: Session, agent_id: str, instance_id: str) -> Row | None:
    """Return one instance of an agent with its prices."""
    params = {"agent_id": agent_id, "instance_id": instance_id}
    return session.row(_SQL["find_instance"], params)


def count_switches_to(
    session: Session,
    agent_id: str,
    instance_id: str,
    *,
    since_week: datetime,
    since_month: datetime,
) -> Row:
    """Return how often an instance became the primary by a switch, and when last."""
    params = {
        "agent_id": agent_id,
        "instance_id": instance_id,
        "since_week": since_week,
        "since_month": since_month,
    }
    return session.row(_SQL["count_switches_to"], params) or {}


def list_events(
    session: Session, *, client_id: str, agent_id: str, instance_id: str, limit: int
) -> list[Row]:
    """Return what happened to an instance, newest first."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "limit": limit,
    }
    return session.rows(_SQL["list_events"], params)
