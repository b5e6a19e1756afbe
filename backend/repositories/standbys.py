"""Standbys of the whole fleet: read page by page, changed many at once (for the coordinator)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.db.database import Transaction
from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)

Record = Mapping[str, Any]  # values are texts, numbers, None and instants


def list_agents(session: Session, *, after_id: str, limit: int) -> list[Row]:
    """Return agents that have or should have a standby, with an open event or without, by id."""
    return session.rows(_SQL["list_agents"], {"after_id": after_id, "limit": limit})


def list_standbys(session: Session, first_id: str, last_id: str) -> list[Row]:
    """Return the live replicas of the agents between two ids, both included."""
    return session.rows(_SQL["list_standbys"], {"first_id": first_id, "last_id": last_id})


def list_open_signals(session: Session, first_id: str, last_id: str) -> list[Row]:
    """Return the open events of the agents between two ids, both included."""
    return session.rows(_SQL["list_open_signals"], {"first_id": first_id, "last_id": last_id})


def list_failures(session: Session, since: datetime) -> list[Row]:
    """Return failed launches without a success after them, counted by agent."""
    return session.rows(_SQL["list_failures"], {"since": since})


def list_launches(session: Session, since: datetime) -> list[Row]:
    """Return launches that count for the budgets, by agent."""
    return session.rows(_SQL["list_launches"], {"since": since})


def list_stand_downs(session: Session, since: datetime) -> list[Row]:
    """Return rebalance signals that came to nothing, counted by instance."""
    return session.rows(_SQL["list_stand_downs"], {"since": since})


def count_agents(session: Session) -> dict[str, int]:
    """Return the number of agents by client."""
    return {row["client_id"]: row["agents"] for row in session.rows(_SQL["count_agents"])}


def lock_agents(tx: Transaction, agent_ids: Sequence[str]) -> dict[str, Row]:
    """Lock agents and tell the news; return their epochs and statuses by id."""
    params = {"agents": _json(sorted(agent_ids))}
    rows = tx.rows(_SQL["lock_agents"], params)
    tx.run(_SQL["tell_news"], params)
    return {row["agent_id"]: row for row in rows}


def end_standbys(tx: Transaction, endings: Sequence[Record], *, now: datetime) -> None:
    """End replicas that still have the status they were judged on, and call off their launches.

    Each ending has replica_id, expected, target, reason and command_id (None: nothing to call off).
    """
    if not endings:
        return
    params = {"endings": _json(endings), "now": now}
    tx.run(_SQL["supersede_instances"], params)
    tx.run(_SQL["end_standbys"], params)
    tx.run(_SQL["cancel_launches"], params)


def insert_orders(tx: Transaction, orders: Sequence[Record], *, now: datetime) -> set[str]:
    """Order standbys; return the ids of those that are in the books now.

    One is left out where the agent has another serving standby by now, or where its own row is
    refused by the table.
    """
    if not orders:
        return set()
    params = {
        "orders": _json(orders),
        "replicas": _json([order["replica_id"] for order in orders]),
        "now": now,
    }
    tx.run(_SQL["insert_orders"], params)
    found = {row["replica_id"] for row in tx.rows(_SQL["list_ordered"], params)}
    if any(order["event_id"] for order in orders):
        tx.run(_SQL["note_orders"], params)
    return found


def insert_commands(tx: Transaction, commands: Sequence[Record], *, now: datetime) -> None:
    """Write commands; the caller has told the news. Idempotent by idempotency_key."""
    if commands:
        tx.run(_SQL["insert_commands"], {"commands": _json(commands), "now": now})


def list_unretired(session: Session, *, since: datetime, asked_since: datetime) -> list[Row]:
    """Return instances of ended replicas that still run and that nobody is told to end."""
    return session.rows(_SQL["list_unretired"], {"since": since, "asked_since": asked_since})


def close_ended(session: Session, *, launched_since: datetime, now: datetime) -> int:
    """Close replicas whose instance has ended, or never came; return how many."""
    return session.run(_SQL["close_ended"], {"launched_since": launched_since, "now": now})


def list_chosen(
    session: Session, *, heard_since: datetime, confirmed_since: datetime, limit: int
) -> list[Row]:
    """Return replicas that should have taken over and live."""
    return session.rows(
        _SQL["list_chosen"],
        {"heard_since": heard_since, "confirmed_since": confirmed_since, "limit": limit},
    )


def list_unserved(
    session: Session, *, taken_before: datetime, heard_since: datetime, limit: int
) -> list[Row]:
    """Return open termination notices of agents for which a living replica stands by."""
    return session.rows(
        _SQL["list_unserved"],
        {"taken_before": taken_before, "heard_since": heard_since, "limit": limit},
    )


def record_events(tx: Transaction, events: Sequence[Record], *, now: datetime) -> None:
    """Write system events: event_type, severity, client_id, agent_id, instance_id, message."""
    if events:
        tx.run(_SQL["insert_events"], {"events": _json(events), "now": now})


def notify(
    tx: Transaction, events: Sequence[Record], *, now: datetime, quiet: timedelta = timedelta(0)
) -> None:
    """Write notifications of events, except where one of the kind was written in ``quiet``."""
    if events:
        params = {"events": _json(events), "now": now, "said_since": now - quiet}
        tx.run(_SQL["insert_notifications"], params)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def moment(at: datetime) -> str:
    """Return an instant (UTC) as the text that a DATETIME(3) column of a record reads."""
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"
