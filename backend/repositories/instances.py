"""Instances: the machines that embody an agent, and their signs of life."""

from datetime import datetime, timedelta
from decimal import Decimal

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def beat_steady(
    session: Session, *, client_id: str, agent_id: str, instance_id: str, now: datetime
) -> bool:
    """Note a sign of life; False when the instance needs the slow path (or does not exist)."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "now": now,
    }
    return session.run(_SQL["beat_steady"], params) == 1


def beat(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    protocol: int,
    mode: str | None,
    instance_type: str | None,
    az: str | None,
    now: datetime,
) -> bool:
    """Note a sign of life and fill in facts that were unknown; False for an unknown instance."""
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "protocol": protocol,
        "mode": mode,
        "instance_type": instance_type,
        "az": az,
        "now": now,
    }
    return session.run(_SQL["beat"], params) == 1


def sync_idly(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    cpu_percent: Decimal | None,
    memory_percent: Decimal | None,
    disk_percent: Decimal | None,
    known_news: int,
    now: datetime,
) -> bool:
    """Note a sign of life; False when there may be news, or the instance needs the slow path.

    Args:
        session: Any session.
        client_id: The tenant.
        agent_id: The agent.
        instance_id: The reporting instance.
        cpu_percent: 0 to 100, or None.
        memory_percent: 0 to 100, or None.
        disk_percent: 0 to 100, or None.
        known_news: The ``news_count`` that the remembered answer was read with.
        now: The present.
    """
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "cpu_percent": cpu_percent,
        "memory_percent": memory_percent,
        "disk_percent": disk_percent,
        "known_news": known_news,
        "now": now,
    }
    return session.run(_SQL["sync_idly"], params) == 1


def sync_instance(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    cpu_percent: Decimal | None,
    memory_percent: Decimal | None,
    disk_percent: Decimal | None,
    live_window: timedelta,
    contested_priority: int,
    lease_seconds: tuple[int, int],
    now: datetime,
) -> list[list[Row]]:
    """Call ``sync_agent``; an empty list means that the instance needs the slow path.

    Args:
        session: An autocommit session: the procedure is sealed.
        client_id: The tenant.
        agent_id: The agent.
        instance_id: The reporting instance.
        cpu_percent: 0 to 100, or None.
        memory_percent: 0 to 100, or None.
        disk_percent: 0 to 100, or None.
        live_window: An instance heard this recently counts as living.
        contested_priority: What anonymous callers still get while several instances live.
        lease_seconds: Lease of an installed agent, and of one of ours, without the waiting time.
        now: The present.
    """
    return session.call(
        _SQL["sync_instance"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "cpu_percent": cpu_percent,
            "memory_percent": memory_percent,
            "disk_percent": disk_percent,
            "live_since": now - live_window,
            "contested_priority": contested_priority,
            "lease_seconds_classic": lease_seconds[0],
            "lease_seconds_native": lease_seconds[1],
            "now": now,
        },
    )


def find_instance(session: Session, client_id: str, agent_id: str, instance_id: str) -> Row | None:
    """Return one instance of an agent."""
    return session.row(
        _SQL["find_instance"],
        {"client_id": client_id, "agent_id": agent_id, "instance_id": instance_id},
    )


def list_living_instances(session: Session, agent_id: str, instance_id: str | None) -> list[Row]:
    """Return the agent's primary, its candidates, and the named instance whatever its role."""
    return session.rows(
        _SQL["list_living_instances"], {"agent_id": agent_id, "instance_id": instance_id}
    )


def unsettle(session: Session, agent_id: str, instance_id: str) -> None:
    """Make the next sign of life of this instance take the slow path."""
    session.run(_SQL["unsettle"], {"agent_id": agent_id, "instance_id": instance_id})


def list_agents_of_instance(session: Session, client_id: str | None, instance_id: str) -> list[Row]:
    """Return the agents whose instance this is, the one it is primary of first."""
    return session.rows(
        _SQL["list_agents_of_instance"], {"client_id": client_id, "instance_id": instance_id}
    )
