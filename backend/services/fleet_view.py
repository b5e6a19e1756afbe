"""The fleet as the coordinator sees it: pages of agents with what their standbys are judged on."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.commands import CommandStatus
from backend.domain.freezing import FreezeLevel, strictest
from backend.domain.replicas import ReplicaStatus
from backend.repositories import standbys
from backend.sef.desired import STAND_DOWN_AFTER, AgentNow, Standby
from backend.sef.restraint import REMEMBERED

PAGE = 5000  # agents; bounds the memory of a pass, not its work
HOUR = timedelta(hours=1)
_ENDED_ROLES = frozenset({"terminated"})


@dataclass(frozen=True, slots=True)
class Histories:
    """What happened lately, by agent; read once for a pass."""

    failures: Mapping[str, Row]
    launches: Mapping[str, int]
    client_launches: Mapping[str, int]
    stand_downs: Mapping[tuple[str, str], Row]
    fleet: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AgentRows:
    """The rows of one agent; nothing of them is judged yet."""

    agent: Row
    standbys: Sequence[Row]
    signals: Sequence[Row]


def read_histories(session: Session, now: datetime) -> Histories:
    """Read what happened within the last hour and day, set by set."""
    launches = standbys.list_launches(session, now - HOUR)
    by_client: dict[str, int] = defaultdict(int)
    for row in launches:
        by_client[row["client_id"]] += row["launches"] - row["has_wished"]
    return Histories(
        failures={
            row["agent_id"]: row for row in standbys.list_failures(session, now - REMEMBERED)
        },
        launches={row["agent_id"]: row["launches"] for row in launches},
        client_launches=by_client,
        stand_downs={
            (row["agent_id"], row["instance_id"]): row
            for row in standbys.list_stand_downs(session, now - REMEMBERED - STAND_DOWN_AFTER)
        },
        fleet=standbys.count_agents(session),
    )


def read_pages(database: Database) -> Iterator[list[AgentRows]]:
    """Read the agents that may need something, page by page."""
    after_id = ""
    while True:
        page = database.run("read_standbys", partial(_read_page, after_id=after_id))
        if page:
            yield page
        if len(page) < PAGE:
            return
        after_id = page[-1].agent["agent_id"]


def _read_page(session: Session, after_id: str) -> list[AgentRows]:
    agents = standbys.list_agents(session, after_id=after_id, limit=PAGE)
    if not agents:
        return []
    first, last = agents[0]["agent_id"], agents[-1]["agent_id"]
    replicas = _by_agent(standbys.list_standbys(session, first, last))
    signals = _by_agent(standbys.list_open_signals(session, first, last))
    return [
        AgentRows(agent, replicas.get(agent["agent_id"], ()), signals.get(agent["agent_id"], ()))
        for agent in agents
    ]


def view_of(
    rows: AgentRows,
    histories: Histories,
    *,
    global_freeze: str | None,
    now: datetime,
    silence: timedelta,
) -> AgentNow:
    """Build what the decision for an agent rests on.

    Raises:
        ValueError: a row holds what no row should (an unknown status or freeze level).
    """
    agent = rows.agent
    agent_id, primary_id = agent["agent_id"], agent["primary_id"]
    is_deleted = agent["status"] == "deleted"
    of_primary = [s for s in rows.signals if s["instance_id"] == primary_id]
    rebalance = next(
        (s for s in of_primary if s["signal_type"] == "rebalance-recommendation"), None
    )
    failures = histories.failures.get(agent_id, {})
    stood_down = histories.stand_downs.get((agent_id, primary_id), {})
    freeze = strictest(global_freeze, agent["client_freeze"], agent["agent_freeze"])
    return AgentNow(
        agent_id=agent_id,
        is_active=bool(agent["enabled"]) and not is_deleted,
        is_deleted=is_deleted,
        is_manual=bool(agent["manual_replica_enabled"]),
        is_frozen=freeze is not FreezeLevel.NONE,
        is_reachable=_is_reachable(agent, now - silence),
        is_primary_heard=_is_reachable(agent, now - silence / 2),
        has_emergency=len(of_primary) > (rebalance is not None),
        rebalance_event_id=rebalance["event_id"] if rebalance else None,
        rebalance_at=rebalance["received_at"] if rebalance else None,
        failed_launches=failures.get("failures", 0),
        failed_at=failures.get("failed_at"),
        stand_downs=stood_down.get("stand_downs", 0),
        stood_down_at=stood_down.get("stood_down_at"),
        launches=histories.launches.get(agent_id, 0),
        standbys=tuple(_standby(row) for row in rows.standbys),
    )


def _standby(row: Row) -> Standby:
    command_status = row["command_status"]
    return Standby(
        replica_id=row["replica_id"],
        kind=row["kind"],
        status=ReplicaStatus(row["status"]),
        protocol=row["protocol"],
        instance_id=row["instance_id"],
        created_at=row["created_at"],
        launched_at=row["launched_at"],
        heard_at=row["last_seen_at"],
        held_until=row["held_until"] or row["lease_expires_at"],
        doomed_at=row["doomed_at"],
        has_ended=row["terminated_at"] is not None or row["role"] in _ENDED_ROLES,
        command_status=CommandStatus(command_status) if command_status else None,
    )


def _is_reachable(agent: Row, heard_since: datetime) -> bool:
    return (
        agent["status"] == "online"
        and agent["terminated_at"] is None
        and agent["last_seen_at"] is not None
        and agent["last_seen_at"] >= heard_since
    )


def _by_agent(rows: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["agent_id"]].append(row)
    return grouped
