"""Instances: the machines that embody an agent, and their signs of life."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """Which instance lives; the tenant is whose token said so."""

    client_id: str
    agent_id: str
    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSync(SignOfLife):
    """A sync that is expected to bring nothing new.

    Attributes:
        cpu_percent: 0 to 100, or None; as the other two.
        known_news: The ``news_count`` that the remembered answer was read with.
    """

    cpu_percent: Decimal | None
    memory_percent: Decimal | None
    disk_percent: Decimal | None
    known_news: int


def beat_steady(session: Session, beat: SignOfLife, *, now: datetime) -> bool:
    """Note a sign of life; False when the instance needs the slow path (or does not exist)."""
    return session.run(_SQL["beat_steady"], {**asdict(beat), "now": now}) == 1


def beat_steady_together(session: Session, beats: Sequence[SignOfLife], *, now: datetime) -> bool:
    """Note signs of life of several instances; False unless each of them was noted."""
    params = {"beats": _in_lock_order(beats), "now": now}
    return session.run(_SQL["beat_steady_together"], params) == len(beats)


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


def sync_idly(session: Session, sync: IdleSync, *, now: datetime) -> bool:
    """Note a sign of life; False when there may be news, or the instance needs the slow path."""
    return session.run(_SQL["sync_idly"], {**asdict(sync), "now": now}) == 1


def sync_idly_together(session: Session, syncs: Sequence[IdleSync], *, now: datetime) -> bool:
    """Note signs of life of several instances; False unless none of them may have news."""
    params = {"syncs": _in_lock_order(syncs), "now": now}
    return session.run(_SQL["sync_idly_together"], params) == len(syncs)


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


def _in_lock_order(signs: Sequence[SignOfLife]) -> str:
    """Return them as JSON, sorted, so that two processes never wait for each other's rows."""
    ordered = sorted(signs, key=attrgetter("agent_id", "instance_id"))
    return orjson.dumps([asdict(sign) for sign in ordered], default=str).decode()
