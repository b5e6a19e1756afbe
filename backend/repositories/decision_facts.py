"""What decisions rest on, read set by set: for one agent, or for the whole fleet at once."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def list_agents(
    session: Session, *, client_id: str | None = None, agent_id: str | None = None
) -> list[Row]:
    """Return agents with primary and limits: one by its id, or all that engines may move."""
    return session.rows(_SQL["list_agents"], {"client_id": client_id, "agent_id": agent_id})


def list_frozen_agents(session: Session, *, agent_id: str | None = None) -> set[str]:
    """Return the agents whose voluntary actions are stopped. Whatever stops them stands here."""
    rows = session.rows(_SQL["list_frozen_agents"], {"agent_id": agent_id})
    return {row["agent_id"] for row in rows}


def list_switch_counts(
    session: Session,
    *,
    day_start: datetime,
    week_start: datetime,
    agent_id: str | None = None,
) -> dict[str, Row]:
    """Return voluntary switches since both instants, and open ones, by agent."""
    rows = session.rows(
        _SQL["list_switch_counts"],
        {"day_start": day_start, "week_start": week_start, "agent_id": agent_id},
    )
    return {row["agent_id"]: row for row in rows}


def list_places(session: Session, *, client_id: str | None = None) -> list[Row]:
    """Return how many primaries of each client stand where."""
    return session.rows(_SQL["list_places"], {"client_id": client_id})


def list_destinations(session: Session, *, client_id: str | None = None) -> list[Row]:
    """Return where the open switches of each client lead."""
    return session.rows(_SQL["list_destinations"], {"client_id": client_id})


def list_moved(session: Session, *, since: datetime, client_id: str | None = None) -> list[Row]:
    """Return how many agents of each client engines began to move since an instant."""
    return session.rows(_SQL["list_moved"], {"since": since, "client_id": client_id})


def list_pools(
    session: Session, *, clients: Iterable[str], instance_types: Iterable[str]
) -> list[Row]:
    """Return the pools of these types that these clients know, last reported first."""
    return session.rows(
        _SQL["list_pools"],
        {"clients": _json(clients), "instance_types": _json(instance_types)},
    )


def list_ondemand_prices(
    session: Session, *, clients: Iterable[str], instance_types: Iterable[str], since: datetime
) -> list[Row]:
    """Return the newest on-demand prices reported since an instant."""
    return session.rows(
        _SQL["list_ondemand_prices"],
        {
            "clients": _json(clients),
            "instance_types": _json(instance_types),
            "since": since,
        },
    )


def list_troubles(session: Session, now: datetime) -> list[Row]:
    """Return what lets pools rest now: pool, client, reason and until when."""
    return session.rows(_SQL["list_troubles"], {"now": now})


def list_past_troubles(session: Session, *, since: datetime, now: datetime) -> list[Row]:
    """Return losses and refused launches after ``since``, oldest first: pool, client, reason, when."""
    return session.rows(_SQL["list_past_troubles"], {"since": since, "now": now})


def _json(values: Iterable[str]) -> str:
    return orjson.dumps(sorted(set(values))).decode()
