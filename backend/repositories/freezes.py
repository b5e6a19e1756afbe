"""Freezes: what an operator has stopped, for all, for a client or for an agent."""

from datetime import datetime

from backend.db.database import Transaction
from backend.db.session import Row, Session
from backend.db.statements import beside
from backend.domain.freezing import Frozen
from backend.repositories import runtime_settings

_SQL = beside(__file__)

GLOBAL_SETTING = "fallback.freeze"


def find_level(session: Session, scope: str, subject_id: str) -> str | None:
    """Return what stands still of everything, a client or an agent; None: never frozen."""
    params = {"scope": scope, "subject_id": subject_id, "setting": GLOBAL_SETTING}
    row = session.row(_SQL["find_level"], params)
    return row["level"] if row else None


def freeze_everything(tx: Transaction, level: str, now: datetime) -> None:
    """Keep the level that applies to everybody; ``none`` ends it."""
    runtime_settings.write_settings(tx, {GLOBAL_SETTING: level}, now=now)


def freeze_client(tx: Transaction, client_id: str, level: Frozen | None, now: datetime) -> bool:
    """Keep a client's level, None ends it; False when there is no such client."""
    params = {"subject_id": client_id, "level": level, "now": now}
    return tx.run(_SQL["freeze_client"], params) == 1


def freeze_agent(tx: Transaction, agent_id: str, level: Frozen | None, now: datetime) -> str | None:
    """Keep an agent's level, None ends it; return its client, None without such an agent."""
    params = {"subject_id": agent_id, "level": level, "now": now}
    if tx.run(_SQL["freeze_agent"], params) != 1:
        return None
    row = tx.row(_SQL["find_owner"], params)
    return row["client_id"] if row else None


def tell_news(session: Session, *, client_id: str | None, agent_id: str | None) -> None:
    """Make the instances concerned look again at their next sync; both None means all."""
    session.run(_SQL["tell_news"], {"client_id": client_id, "agent_id": agent_id})


def count_frozen(session: Session) -> Row:
    """Return the level for all (None: never set), and how many clients and agents are frozen."""
    return session.rows(_SQL["count_frozen"], {"setting": GLOBAL_SETTING})[0]
