"""Notification channels: where notifications are sent beside the dashboard."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_channel(session: Session, values: Params) -> None:
    """Add a channel; UniqueViolation when its name is taken."""
    session.run(_SQL["insert_channel"], values)


def find_channel(session: Session, channel_id: str) -> Row | None:
    """Return a channel with its encrypted target."""
    return session.row(_SQL["find_channel"], {"channel_id": channel_id})


def find_channel_by_name(session: Session, name: str) -> str | None:
    """Return the id of the channel of this name."""
    row = session.row(_SQL["find_channel_by_name"], {"name": name})
    return str(row["id"]) if row else None


def list_channels(
    session: Session, client_id: str | None, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return a page of channels without their targets, and how many there are in all."""
    params = {"client_id": client_id, "limit": limit, "offset": offset}
    total = session.row(_SQL["count_channels"], params)
    return session.rows(_SQL["list_channels"], params), int(total["total"]) if total else 0


def update_channel(session: Session, values: Params) -> bool:
    """Change a channel; False when it is no longer of ``version``."""
    return session.run(_SQL["update_channel"], values) > 0


def delete_channel(session: Session, channel_id: str) -> bool:
    """Delete a channel with its log; False when there is none."""
    return session.run(_SQL["delete_channel"], {"channel_id": channel_id}) > 0


def note_looked(session: Session, overfull: Sequence[str], now: datetime) -> None:
    """Note that nothing waits up to now, except for the ``overfull`` channels."""
    session.run(_SQL["note_looked"], {"overfull": orjson.dumps(overfull).decode(), "now": now})


def note_failing(session: Session, channel_id: str, now: datetime) -> bool:
    """Note that a message was given up; False when the channel was failing already."""
    return session.run(_SQL["note_failing"], {"channel_id": channel_id, "now": now}) > 0


def note_working(session: Session, channel_id: str) -> None:
    """Note that a message has arrived."""
    session.run(_SQL["note_working"], {"channel_id": channel_id})
