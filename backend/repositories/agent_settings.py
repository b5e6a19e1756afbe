"""Agents' settings as operators change them, and the history of the changes."""

from dataclasses import asdict
from datetime import datetime

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside
from backend.domain.agent_config import AgentConfig
from backend.repositories import news

_SQL = beside(__file__)


def lock_config(tx: Transaction, client_id: str | None, agent_id: str) -> Row | None:
    """Return an agent with its settings and keep both from changing; None tenant: any."""
    return tx.row(_SQL["lock_config"], {"client_id": client_id, "agent_id": agent_id})


def find_config(session: Session, client_id: str | None, agent_id: str) -> Row | None:
    """Return an agent's tenant, status and settings; None tenant: any."""
    return session.row(_SQL["find_config"], {"client_id": client_id, "agent_id": agent_id})


def save_config(
    tx: Transaction, agent_id: str, config: AgentConfig, *, expected_version: int, now: datetime
) -> bool:
    """Write settings and make the agent's next sync look; False when the version has moved on."""
    news.tell_news(tx, agent_id)
    params = {
        **asdict(config),
        "agent_id": agent_id,
        "expected_version": expected_version,
        "now": now,
    }
    return tx.run(_SQL["save_config"], params) == 1


def insert_change(tx: Transaction, change: Params) -> None:
    """Write down who changed what."""
    tx.run(_SQL["insert_change"], change)


def list_changes(session: Session, agent_id: str, *, limit: int, offset: int) -> list[Row]:
    """Return a page of the changes of an agent's settings, newest first."""
    params = {"agent_id": agent_id, "limit": limit, "offset": offset}
    return session.rows(_SQL["list_changes"], params)


def count_changes(session: Session, agent_id: str) -> int:
    """Return how many changes of an agent's settings are kept."""
    row = session.row(_SQL["count_changes"], {"agent_id": agent_id})
    return int(row["change_count"]) if row else 0
