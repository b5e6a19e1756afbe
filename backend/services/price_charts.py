"""Prices of every pool that an agent could run in, few enough points for a screen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.price_lines import Extremes, Line, line_of
from backend.errors import NotFound
from backend.repositories import agent_room, agents, instance_prices, price_charts
from backend.repositories.instance_prices import Market
from backend.repositories.price_charts import Slots

POOLS = 8  # lines that an eye can still tell apart
SLOTS = 576  # at most; two points each
FINEST_SECONDS = 300  # clean prices stand five minutes apart
MARKS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPrices:
    """Lines over common ``times`` (UNIX seconds), with what happened meanwhile."""

    times: list[int]
    pools: list[tuple[str, Line]]
    ondemand_price: Decimal | None
    switches: list[Row]
    interruptions: list[Row]


class PriceCharts:
    """Reads charts of agents of every tenant, for operators. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of_agent(self, agent_id: str, *, days: int) -> AgentPrices:
        """Return the prices of the last days (1 to 90).

        Raises:
            NotFound: there is no such agent.
        """
        slots = _slots(self._clock.now(), days)
        return self._database.run("read_price_lines", lambda s: _read(s, agent_id, slots))


def _read(session: Session, agent_id: str, slots: Slots) -> AgentPrices:
    found = agents.list_agents(
        session, client_id=None, agent_id=agent_id, after=None, limit=1, include_deleted=True
    )
    if not found:
        raise NotFound("There is no such agent", field="agent_id")
    agent = found[0]
    times = range(int(slots.since.timestamp()), int(slots.until.timestamp()), slots.seconds)
    pools = _pools(session, agent)[:POOLS] if agent["instance_type"] else []
    marks: dict[str, Any] = {"since": slots.since, "limit": MARKS}
    return AgentPrices(
        times=[at + half for at in times for half in (0, slots.seconds // 2)],
        pools=[
            (
                f"{row['instance_type']}.{row['az']}",
                _line(session, agent["client_id"], row["pool_number"], slots, len(times)),
            )
            for row in pools
        ],
        ondemand_price=agent["ondemand_price_usd_per_hour"],
        switches=agent_room.list_switches(session, agent_id, **marks),
        interruptions=agent_room.list_interruptions(session, agent_id, **marks),
    )


def _pools(session: Session, agent: Row) -> list[Row]:
    market = Market(
        client_id=agent["client_id"],
        region=agent["region"],
        instance_type=agent["instance_type"],
    )
    rows = instance_prices.list_pools(session, market)
    return sorted(rows, key=lambda row: (row["az"] != agent["az"], row["az"], row["pool_number"]))


def _line(session: Session, client_id: str, pool_number: int, slots: Slots, count: int) -> Line:
    wanted: dict[str, Any] = {"client_id": client_id, "pool_number": pool_number, "slots": slots}
    buckets = price_charts.list_buckets(session, **wanted)
    filled = price_charts.list_filled(session, **wanted)
    return line_of(
        count,
        own={int(row["slot"]): _extremes(row) for row in buckets if row["is_own"]},
        filled={int(row["slot"]): _extremes({**row, "is_discrepant": 0}) for row in filled},
        agreed={int(row["slot"]): _extremes(row) for row in buckets if not row["is_own"]},
    )


def _extremes(row: Row) -> Extremes:
    return Extremes(
        least=row["least_usd_per_hour"],
        greatest=row["greatest_usd_per_hour"],
        is_discrepant=bool(row["is_discrepant"]),
    )


def _slots(now: datetime, days: int) -> Slots:
    """Return whole slots that end with the present one."""
    needed = days * 86_400 / SLOTS
    seconds = FINEST_SECONDS * -int(-needed // FINEST_SECONDS)
    until = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, tz=now.tzinfo)
    count = -(-days * 86_400 // seconds)
    return Slots(since=until - timedelta(seconds=count * seconds), until=until, seconds=seconds)
