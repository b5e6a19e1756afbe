"""All that the page of one agent shows, read at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.agent_config import AgentConfig, config_from
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.errors import NotFound
from backend.repositories import agent_room, agent_settings, agents, replicas
from backend.sef.pools import Need, PoolOption, Refusal
from backend.services.pool_choice import rank_for

ROWS = 12  # of each list on the page
HISTORY = timedelta(days=90)
REPLICAS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pool of the agent's type: USD per hour, the chance of a loss within an hour, what is against it."""

    option: PoolOption
    is_present: bool
    refusal: Refusal | None
    saving_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRoom:
    """One agent at one moment. ``agent`` is a row of ``repositories.agents.list_agents``."""

    agent: Row
    owner: Row
    config: AgentConfig
    pool_id: str | None
    offers: Sequence[Offer]
    replicas: Sequence[Row]
    decisions: Sequence[Row]
    commands: Sequence[Row]
    switches: Sequence[Row]
    interruptions: Sequence[Row]
    events: Sequence[Row]
    instances: Sequence[Row]
    changes: Sequence[Row]
    now: datetime

    @property
    def is_deleted(self) -> bool:
        """Whether the agent is steered no more."""
        return bool(self.agent["status"] == "deleted")


class AgentRooms:
    """Reads agents of every tenant, for operators. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def read(self, agent_id: str) -> AgentRoom:
        """Return one agent, deleted or not.

        Raises:
            NotFound: there is none.
        """
        now = self._clock.now()
        return self._database.run("read_agent_room", lambda s: _read(s, agent_id, now))


def _read(session: Session, agent_id: str, now: datetime) -> AgentRoom:
    found = agents.list_agents(
        session, client_id=None, agent_id=agent_id, after=None, limit=1, include_deleted=True
    )
    owner = agent_room.find_owner(session, agent_id)
    config = agent_settings.find_config(session, None, agent_id)
    if not found or owner is None or config is None:
        raise NotFound("There is no such agent", field="agent_id")
    agent = found[0]
    since = now - HISTORY
    return AgentRoom(
        agent=agent,
        owner=owner,
        config=config_from(config),
        pool_id=_pool_of(agent),
        offers=_offers(session, agent, float(config["risk_threshold"]), now),
        replicas=replicas.list_replicas(session, None, agent_id, status=None, include_ended=True)[
            :REPLICAS
        ],
        decisions=[
            _with_reasons(row) for row in agent_room.list_decisions(session, agent_id, limit=ROWS)
        ],
        commands=agent_room.list_commands(session, agent_id, limit=ROWS),
        switches=agent_room.list_switches(session, agent_id, since=since, limit=ROWS),
        interruptions=agent_room.list_interruptions(session, agent_id, since=since, limit=ROWS),
        events=agent_room.list_events(session, agent_id, limit=ROWS),
        instances=agent_room.list_instances(session, agent_id, limit=ROWS),
        changes=[
            {**row, "changes": orjson.loads(row["changes"])}
            for row in agent_settings.list_changes(session, agent_id, limit=5, offset=0)
        ],
        now=now,
    )


def _pool_of(agent: Row) -> str | None:
    if agent["mode"] is None:
        return None
    return pool_of(agent["instance_type"], agent["az"], Mode(agent["mode"]))


def _offers(session: Session, agent: Row, most_risk: float, now: datetime) -> list[Offer]:
    """Return the pools of the agent's type in its region: those that qualify by rank, then the rest."""
    if agent["instance_type"] is None:
        return []
    ondemand = agent["ondemand_price_usd_per_hour"]
    need = Need(
        region=agent["region"],
        instance_types=(agent["instance_type"],),
        own_pools=frozenset(filter(None, [_pool_of(agent)])),
        own_az=agent["az"],
        ondemand_price=ondemand,
        most_risk=most_risk,
    )
    ranking = rank_for(session, agent["client_id"], need, now=now)
    ranked: list[tuple[PoolOption, Refusal | None]] = [(pool, None) for pool in ranking.spot]
    refused = sorted(ranking.refused, key=lambda pair: (pair[0].price, pair[0].name))
    return [
        Offer(
            option=option,
            is_present=refusal is Refusal.OWN_POOL,
            refusal=None if refusal is Refusal.OWN_POOL else refusal,
            saving_percent=float(100 * (1 - option.price / ondemand)) if ondemand else None,
        )
        for option, refusal in (*ranked, *refused)
    ]


def _with_reasons(row: Row) -> dict[str, Any]:
    """Return a decision with its reasons, and the guard's, as sentences."""
    guard = orjson.loads(row["guard_reasons"]) if row["guard_reasons"] else []
    reasons = orjson.loads(row["reasons"]) if row["reasons"] else []
    return {**row, "reasons": reasons, "guard_reasons": [text for _, text in guard]}
