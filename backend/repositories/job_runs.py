"""The runs of background jobs: who claims a slot, who holds it, how it ended."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def read_database_clock(session: Session) -> datetime:
    """Return the database's present instant, in milliseconds."""
    row = session.row(_SQL["read_database_clock"])
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    now: datetime = row["now"]
    return now


def list_recent_runs(session: Session, job: str, *, limit: int) -> list[Row]:
    """Return the runs of a job, newest slot first."""
    return session.rows(_SQL["list_recent_runs"], {"job": job, "limit": limit})


def list_newest_runs(session: Session) -> list[Row]:
    """Return the run of the newest slot of every job that ever ran."""
    return session.rows(_SQL["list_newest_runs"])


def start_run(
    session: Session, job: str, slot: int, *, node: str, now: datetime, lease_until: datetime
) -> None:
    """Claim a slot that was never run.

    Raises:
        UniqueViolation: the slot is taken, or another run of this job is still open.
    """
    session.run(
        _SQL["start_run"],
        {"job": job, "slot": slot, "node": node, "now": now, "lease_until": lease_until},
    )


def retake_run(
    session: Session, run: Row, *, node: str, now: datetime, lease_until: datetime
) -> bool:
    """Claim a slot again as it was read (``job, slot, attempt, status``); False if too late.

    Raises:
        UniqueViolation: another run of this job is open.
    """
    params = {
        "job": run["job"],
        "slot": run["slot"],
        "attempt": run["attempt"],
        "status": run["status"],
        "node": node,
        "now": now,
        "lease_until": lease_until,
    }
    return session.run(_SQL["retake_run"], params) == 1


def extend_lease(session: Session, claim: Row, *, lease_until: datetime) -> bool:
    """Keep the run of ``claim`` (``job, slot, attempt, node``) until then; False if it is lost."""
    return session.run(_SQL["extend_lease"], {**claim, "lease_until": lease_until}) == 1


def finish_run(
    session: Session,
    claim: Row,
    *,
    status: str,
    now: datetime,
    row_count: int | None,
    error: str | None,
) -> bool:
    """Close the run of ``claim`` as done or failed; False if it is lost."""
    params = {**claim, "status": status, "now": now, "row_count": row_count, "error": error}
    return session.run(_SQL["finish_run"], params) == 1


def abandon_run(session: Session, run: Row, *, now: datetime, error: str) -> bool:
    """Close an expired run as failed; False if somebody else was faster."""
    params = {
        "job": run["job"],
        "slot": run["slot"],
        "attempt": run["attempt"],
        "now": now,
        "error": error,
    }
    return session.run(_SQL["abandon_run"], params) == 1
