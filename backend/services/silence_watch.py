"""The watch over silence, kept in the database: does it count yet that somebody is not heard?"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from backend.db.session import Session
from backend.repositories import runtime_settings
from backend.sef.silence import Watch, is_armed, watch

WATCHED_AT = "fallback.watched_at"
ARMED_AT = "fallback.armed_at"


def silence_counts(
    session: Session,
    *,
    now: datetime,
    timeout: timedelta,
    values: Mapping[str, str] | None = None,
) -> bool:
    """Tell whether a silent primary may be taken for lost.

    Not within two timeouts of the watcher's first run, or of a hole in its runs: what was silent
    then may have been us.

    Args:
        session: Any session.
        now: The present.
        timeout: How long a primary may go unheard.
        values: All runtime settings, where the caller has read them already.
    """
    if values is None:
        values = runtime_settings.list_settings(session)
    return is_armed(read_watch(values), now=now, timeout=timeout)


def keep_watch(session: Session, *, now: datetime, timeout: timedelta) -> Watch:
    """Note a run of the watcher; return the watch as it is now."""
    previous = read_watch(runtime_settings.list_settings(session))
    present = watch(previous, now=now, timeout=timeout)
    values = {
        WATCHED_AT: present.watched_at.isoformat(),
        ARMED_AT: present.armed_at.isoformat(),
    }
    runtime_settings.write_settings(session, values, now=now)
    return present


def read_watch(values: Mapping[str, str]) -> Watch | None:
    """Return the watch among the runtime settings, None while nobody ever watched."""
    watched_at, armed_at = _instant(values.get(WATCHED_AT)), _instant(values.get(ARMED_AT))
    if watched_at is None or armed_at is None:
        return None
    return Watch(watched_at=watched_at, armed_at=armed_at)


def _instant(text: str | None) -> datetime | None:
    """Read an instant; one that somebody spoilt by hand counts as none."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
