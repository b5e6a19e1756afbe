"""Sums of the ledger: days of agents, days, months and running totals of clients."""

from collections.abc import Collection
from datetime import date, datetime

import orjson

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def roll_up(session: Session, days: Collection[tuple[str, date]], *, now: datetime) -> None:
    """Sum the ledger anew for days of agents, and all that is derived from them. Idempotent.

    Args:
        session: The transaction that changed the ledger, so that both agree at any instant.
        days: Agents and UTC days.
        now: The present instant.
    """
    if not days:
        return
    session.run(_SQL["roll_up_agents"], {"days": _pairs(days), "now": now})
    agents = orjson.dumps(sorted({agent_id for agent_id, _ in days})).decode()
    owners = {
        row["id"]: row["client_id"]
        for row in session.rows(_SQL["list_clients"], {"agents": agents})
    }
    changed = {(owners[agent_id], day) for agent_id, day in days if agent_id in owners}
    session.run(_SQL["roll_up_days"], {"days": _pairs(changed), "now": now})
    months = {(client_id, day.replace(day=1)) for client_id, day in changed}
    session.run(_SQL["roll_up_months"], {"months": _pairs(months), "now": now})
    first: dict[str, date] = {}
    for client_id, day in changed:
        first[client_id] = min(day, first.get(client_id, day))
    session.run(_SQL["roll_up_totals"], {"days": _pairs(first.items()), "now": now})


def _pairs(pairs: Collection[tuple[str, date]]) -> str:
    return orjson.dumps([{"k": key, "d": day.isoformat()} for key, day in sorted(pairs)]).decode()
