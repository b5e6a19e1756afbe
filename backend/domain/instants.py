"""Instants as the wire spells them."""

import re
from datetime import UTC, datetime, timedelta

from backend.errors import InvalidRequest

_EARLIEST_YEAR = 1970  # nothing of ours is older, and the database's DATETIME is sure to hold it
# EC2 refuses calls from a clock that is minutes off, so nobody who reports one that made any is a
# day ahead.
FURTHEST_AHEAD = timedelta(days=1)
_WIRE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def cut_to_milliseconds(instant: datetime) -> datetime:
    """Drop what the database's DATETIME(3) could not keep; never rounds up."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_instant(value: str, *, field: str = "timestamp") -> datetime:
    """Read an ISO 8601 date and time; without a zone it is UTC, as the oldest agents mean it.

    Returns:
        The instant, aware, in UTC, cut to whole milliseconds.

    Raises:
        InvalidRequest: It is no such text, no real instant, or before 1970; fact ``field``.
    """
    text = value.strip().upper()
    if not _WIRE.fullmatch(text):
        raise _unreadable(field)
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unreadable(field) from error
    if instant.year < _EARLIEST_YEAR:
        raise _unreadable(field)
    return cut_to_milliseconds(instant)


def check_not_after(instant: datetime, latest: datetime, *, field: str) -> None:
    """Refuse an instant that no clock worth believing can have shown.

    Raises:
        InvalidRequest: It is after ``latest``; fact ``field``.
    """
    if instant > latest:
        raise InvalidRequest(
            f"{field} must not be after {latest.isoformat()}",
            field=field,
            latest=latest.isoformat(),
        )


def _unreadable(field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field} must be a date and time since 1970, such as 2026-11-23T10:00:00Z",
        field=field,
        expected="ISO 8601 date and time, UTC unless it names an offset",
    )
