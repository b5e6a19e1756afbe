"""Agents: the logical servers, and their settings."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_agent(session: Session, client_id: str, agent_id: str) -> Row | None:
    """Return one agent of a client, deleted ones included."""
    return session.row(_SQL["find_agent"], {"client_id": client_id, "agent_id": agent_id})


def find_agent_of_any_client(session: Session, agent_id: str) -> Row | None:
    """Return the id and tenant of an agent; for operators only."""
    return session.row(_SQL["find_agent_of_any_client"], {"agent_id": agent_id})


def find_agent_by_logical_id(session: Session, client_id: str, logical_agent_id: str) -> Row | None:
    """Return the agent that a client calls by this name."""
    return session.row(
        _SQL["find_agent_by_logical_id"],
        {"client_id": client_id, "logical_agent_id": logical_agent_id},
    )


def find_agent_config(
    session: Session, client_id: str, agent_id: str, instance_id: str | None
) -> Row | None:
    """Return the agent's settings, its status, and the role of the asking instance if named."""
    return session.row(
        _SQL["find_agent_config"],
        {"client_id": client_id, "agent_id": agent_id, "instance_id": instance_id},
    )


def mark_online(session: Session, agent_id: str, instance_id: str, now: datetime) -> bool:
    """Note that the primary is heard again; False when this instance is not the primary."""
    params = {"agent_id": agent_id, "instance_id": instance_id, "now": now}
    return session.run(_SQL["mark_online"], params) > 0


def mark_offline(session: Session, agent_id: str, instance_id: str, now: datetime) -> bool:
    """Note that the primary said goodbye; False when it is not the primary or not online."""
    params = {"agent_id": agent_id, "instance_id": instance_id, "now": now}
    return session.run(_SQL["mark_offline"], params) > 0


def announce_offline(session: Session, client_id: str, agent_id: str, now: datetime) -> None:
    """Keep an anonymous goodbye until the primary's silence confirms it."""
    session.run(
        _SQL["announce_offline"], {"client_id": client_id, "agent_id": agent_id, "now": now}
    )


def mark_cleaned_up(session: Session, client_id: str, agent_id: str, executed_at: datetime) -> None:
    """Move the time of the last clean-up forward."""
    session.run(
        _SQL["mark_cleaned_up"],
        {"client_id": client_id, "agent_id": agent_id, "executed_at": executed_at},
    )


def list_agents(
    session: Session,
    *,
    client_id: str | None,
    after: tuple[str, str] | None,
    limit: int,
    include_deleted: bool = False,
    agent_id: str | None = None,
) -> list[Row]:
    """Return a page of agents with their settings and their primary's state.

    Args:
        session: Any session.
        client_id: The tenant; None for every tenant's agents (operators).
        after: (logical id, agent id) of the last row of the page before.
        limit: The most rows to return.
        include_deleted: Whether deleted agents are listed too.
        agent_id: Only this agent.
    """
    return session.rows(
        _SQL["list_agents"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "include_deleted": include_deleted,
            "after_logical_id": after[0] if after else None,
            "after_id": after[1] if after else None,
            "limit": limit,
        },
    )


def count_agents(session: Session, *, client_id: str | None, include_deleted: bool = False) -> int:
    """Return how many agents a tenant has (None: all tenants together)."""
    row = session.row(
        _SQL["count_agents"], {"client_id": client_id, "include_deleted": include_deleted}
    )
    return int(row["agent_count"]) if row else 0
