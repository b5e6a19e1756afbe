"""What the status page shows: bounded lists over all tenants, with their names."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def count_fleet(session: Session) -> Row:
    """Return how many clients, agents, instances, open commands and open switches there are."""
    return session.row(_SQL["count_fleet"]) or {}


def list_agents(session: Session, *, limit: int, offset: int) -> list[Row]:
    """Return a page of agents that are not deleted."""
    return session.rows(_SQL["list_agents"], {"limit": limit, "offset": offset})


def list_instances(session: Session, *, limit: int, offset: int) -> list[Row]:
    """Return a page of instances that live."""
    return session.rows(_SQL["list_instances"], {"limit": limit, "offset": offset})


def list_pools(session: Session, *, since: datetime, limit: int) -> list[Row]:
    """Return pools whose price was observed at ``since`` or later."""
    return session.rows(_SQL["list_pools"], {"since": since, "limit": limit})


def list_open_commands(session: Session, *, limit: int) -> list[Row]:
    """Return commands that wait or are handed out, most urgent first."""
    return session.rows(_SQL["list_open_commands"], {"limit": limit})


def list_ended_commands(session: Session, *, limit: int) -> list[Row]:
    """Return the commands that ended last."""
    return session.rows(_SQL["list_ended_commands"], {"limit": limit})


def list_switches(session: Session, *, limit: int) -> list[Row]:
    """Return the youngest switches."""
    return session.rows(_SQL["list_switches"], {"limit": limit})


def list_jobs(session: Session, *, limit: int) -> list[Row]:
    """Return each job's last run."""
    return session.rows(_SQL["list_jobs"], {"limit": limit})


def list_notifications(session: Session, *, limit: int) -> list[Row]:
    """Return what somebody should see, newest first."""
    return session.rows(_SQL["list_notifications"], {"limit": limit})
