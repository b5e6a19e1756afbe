"""Settings that SQL needs too: the events read them, the program writes them at start."""

from collections.abc import Mapping
from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def write_settings(session: Session, values: Mapping[str, str], *, now: datetime) -> None:
    """Keep these values; ``updated_at`` moves only where a value really changes."""
    for name, value in sorted(values.items()):
        session.run(_SQL["write_setting"], {"name": name, "value": value, "now": now})


def list_settings(session: Session) -> dict[str, str]:
    """Return every value by name."""
    return {row["name"]: row["value"] for row in session.rows(_SQL["list_settings"])}
