"""Losses without a notice: who is silent, who could look, and what was taken up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from backend.db.database import Transaction
from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_silent(
    session: Session,
    *,
    silent_before: datetime,
    remembered_since: datetime,
    alive_since: datetime,
) -> list[Row]:
    """Return agents whose primary is silent, the longest silence first.

    ``is_handled``: somebody deals with it already; ``standby_id``: a replica of ours that lives.
    """
    return session.rows(
        _SQL["list_silent"],
        {
            "silent_before": silent_before,
            "remembered_since": remembered_since,
            "alive_since": alive_since,
        },
    )


def count_watched(session: Session, remembered_since: datetime) -> dict[str, int]:
    """Return how many agents of every client are watched."""
    rows = session.rows(_SQL["count_watched"], {"remembered_since": remembered_since})
    return {row["client_id"]: row["agents"] for row in rows}


def list_rescuers(session: Session, clients: Sequence[str], *, alive_since: datetime) -> list[Row]:
    """Return living primaries of ours that may be asked to rescue, the least busy first."""
    params = {"clients": _json(sorted(clients)), "alive_since": alive_since}
    return session.rows(_SQL["list_rescuers"], params)


def insert_losses(
    tx: Transaction, losses: Sequence[Mapping[str, Any]], *, silent_before: datetime, now: datetime
) -> set[str]:
    """Take silences up; return the ids of the events that are on record now."""
    params = {"losses": _json(losses), "silent_before": silent_before, "now": now}
    tx.run(_SQL["insert_losses"], params)
    return {row["event_id"] for row in tx.rows(_SQL["list_taken_up"], params)}


def close_heard(session: Session, now: datetime) -> int:
    """Stand down the losses whose primary was heard again; return how many."""
    return session.run(_SQL["close_heard"], {"now": now})


def list_unanswered(session: Session, *, asked_before: datetime, most_looks: int) -> list[Row]:
    """Return silences that nobody has seen since then; an event is looked at so often at most."""
    params = {"asked_before": asked_before, "most_looks": most_looks}
    return session.rows(_SQL["list_unanswered"], params)


def note_second_looks(
    tx: Transaction, looks: Sequence[Mapping[str, Any]], *, now: datetime
) -> set[str]:
    """Write down who is asked now; return the ids of the events that nobody has seen meanwhile."""
    params = {"looks": _json(looks), "now": now}
    tx.run(_SQL["note_second_looks"], params)
    return {row["event_id"] for row in tx.rows(_SQL["list_second_looks"], params)}


def list_launch_specs(session: Session, agent_ids: Sequence[str]) -> dict[str, Row]:
    """Return launch specs by agent; user data is encrypted."""
    rows = session.rows(_SQL["list_launch_specs"], {"agents": _json(sorted(agent_ids))})
    return {row["agent_id"]: row for row in rows}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
