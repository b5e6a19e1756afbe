"""Succession: a waiting instance takes the place of a primary that is gone or silent."""

import uuid
from datetime import datetime

from backend.db.database import Transaction
from backend.db.session import Row, Session
from backend.db.statements import beside
from backend.repositories import news

_SQL = beside(__file__)


def list_vacant_agents(session: Session, *, silent_before: datetime, limit: int) -> list[Row]:
    """Return agents without a living primary for which a living instance waits."""
    return session.rows(
        _SQL["list_vacant_agents"], {"silent_before": silent_before, "limit": limit}
    )


def find_waiting_successor(session: Session, agent_id: str) -> str | None:
    """Return the successor that is bound to the agent's open switch."""
    row = session.row(_SQL["find_waiting_successor"], {"agent_id": agent_id})
    return row["new_instance_id"] if row else None


def appoint(
    tx: Transaction,
    *,
    agent_id: str,
    instance_id: str,
    expected_epoch: int,
    completes_switch: bool,
    reason: str,
    now: datetime,
) -> bool:
    """Make a waiting instance the primary; False when the agent's epoch has moved on.

    The replacement is one row in ``switches``: the open one that explains the successor, or a
    new one. The caller commits.
    """
    agent = tx.row(_SQL["lock_agent"], {"agent_id": agent_id})
    if agent is None or agent["epoch"] != expected_epoch:
        return False
    params = {
        "agent_id": agent_id,
        "instance_id": instance_id,
        "old_instance_id": agent["primary_instance_id"],
        "epoch": expected_epoch,
        "switch_id": str(uuid.uuid4()),
        "reason": reason,
        "now": now,
    }
    news.tell_news(tx, agent_id)
    tx.run(_SQL["retire_primary"], params)
    if tx.run(_SQL["appoint_primary"], params) != 1:
        return False
    tx.run(_SQL["move_primary"], params)
    if completes_switch:
        tx.run(_SQL["complete_open_switch"], params)
        tx.run(_SQL["complete_command_of_successor"], params)
    else:
        tx.run(_SQL["record_take_over"], params)
    return True
