"""Clean prices: one point per client, pool and five minutes, and what fills their gaps."""

from datetime import date, datetime

from backend.db.session import Row, Session
from backend.db.statements import Statement, beside

_SQL = beside(__file__)


def dedup_pricing(session: Session, *, now: datetime, since: datetime, until: datetime) -> int:
    """Make the points of all buckets with reports received in (since, until]; return how many.

    Sealed: needs an autocommit session. Idempotent.
    """
    return _call(session, _SQL["dedup_pricing"], now, since, until)


def interpolate_pricing(
    session: Session, *, now: datetime, since: datetime, until: datetime
) -> int:
    """Fill and record the gaps of series whose points changed in (since, until].

    Sealed: needs an autocommit session. Idempotent.

    Returns:
        How many fills and long gaps these series have from the first change on.
    """
    return _call(session, _SQL["interpolate_pricing"], now, since, until)


def find_slice_end(
    session: Session, *, since: datetime, until: datetime, size: int
) -> datetime | None:
    """Return when the last of the next ``size`` reports was received, None if there are fewer."""
    row = session.row(_SQL["find_slice_end"], {"since": since, "until": until, "offset": size - 1})
    return row["received_at"] if row else None


def find_last_done(session: Session, job: str) -> datetime | None:
    """Return when the newest finished run of a job began, None if it never finished."""
    row = session.row(_SQL["find_last_done"], {"job": job})
    return row["started_at"] if row else None


def report_discrepancies(
    session: Session,
    *,
    now: datetime,
    changed_after: datetime,
    bucket_after: datetime,
    told_after: datetime,
) -> int:
    """Write an event for each pool whose reports differ repeatedly; return how many.

    Args:
        session: Any session.
        now: The time of the events.
        changed_after: Only pools with a point that changed since are looked at.
        bucket_after: Points from here on count.
        told_after: A pool with an event since then gets no other.
    """
    return session.run(
        _SQL["report_discrepancies"],
        {
            "now": now,
            "changed_after": changed_after,
            "bucket_after": bucket_after,
            "told_after": told_after,
        },
    )


def list_series(
    session: Session,
    *,
    client_id: str,
    pool_id: int,
    since: datetime,
    until: datetime,
    limit: int = 10_000,
) -> list[Row]:
    """Return what a client sees of a pool in [since, until): bucket, price and kind, ascending.

    ``kind`` is normal, averaged, interpolated or history.
    """
    return session.rows(
        _SQL["list_series"],
        {
            "client_id": client_id,
            "pool_id": pool_id,
            "since": since,
            "until": until,
            "limit": limit,
        },
    )


def list_day_quality(
    session: Session, *, client_id: str, first_day: date, last_day: date, limit: int
) -> list[Row]:
    """Return the points of each kind per pool and UTC day, both days included."""
    return session.rows(
        _SQL["list_day_quality"],
        {
            "client_id": client_id,
            "first_day": first_day,
            "last_day": last_day,
            "limit": limit,
        },
    )


def list_series_starts(session: Session, *, client_id: str, limit: int) -> list[Row]:
    """Return the pools that a client knows, and where its view of each begins (None: nowhere)."""
    return session.rows(_SQL["list_series_starts"], {"client_id": client_id, "limit": limit})


def _call(
    session: Session, statement: Statement, now: datetime, since: datetime, until: datetime
) -> int:
    session.call(statement, {"now": now, "since": since, "until": until})
    row = session.row(_SQL["read_row_count"])
    return int(row["row_count"]) if row else 0
