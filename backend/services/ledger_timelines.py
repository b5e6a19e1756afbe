"""What is on record about agents, as the ledger wants it: stays with prices, and takeovers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from backend.db.session import Row, Session
from backend.domain.ledger import CostMode, CostRow, Stay, cut
from backend.domain.ledger_prices import UNKNOWN, Price, PricePoint, PriceSteps, steps_of
from backend.domain.ledger_terms import Takeover, taken_at
from backend.repositories import ledger_facts

HOLDS_FOR: Final = timedelta(minutes=10)  # two buckets; a longer silence is a gap, or is filled
GUESSED_FOR: Final = timedelta(hours=1)
# AWS changes list prices a few times in a decade: what is learned today held yesterday.
ONDEMAND_GUESSED_FOR: Final = timedelta(days=1)
SILENT_FOR: Final = timedelta(hours=1)  # then nobody knows whether a host still runs
FORGOTTEN_AFTER: Final = timedelta(days=7)  # of silence, as long as hours are corrected
HEARD_LATE: Final = timedelta(minutes=5)  # heard so long after its end, an instance lives on

PoolKey = tuple[str, str, str, str]  # client, region, instance type, zone
TypeKey = tuple[str, str, str]  # client, region, instance type


@dataclass(slots=True)
class Timeline:
    """One agent within a span of time."""

    primary_id: str | None = None
    stays: list[Stay] = field(default_factory=list)
    takeovers: list[Takeover] = field(default_factory=list)

    def cut(self, *, since: datetime, until: datetime) -> list[CostRow]:
        """Return its rows within [since, until), in order of time."""
        return cut(self.stays, self.takeovers, primary_id=self.primary_id, since=since, until=until)


def read_timelines(
    session: Session, agents: Sequence[str], *, since: datetime, until: datetime
) -> dict[str, Timeline]:
    """Return the timelines of agents that had an instance within [since, until)."""
    rows = ledger_facts.list_stays(session, agents, since=since, until=until)
    spot = _spot_prices(session, rows, since=since, until=until)
    ondemand = _ondemand_prices(session, rows, since=since, until=until)
    ends: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for end in ledger_facts.list_ends(session, agents):
        ends[end["agent_id"], end["instance_id"]][end["signal_type"]] = end
    timelines: dict[str, Timeline] = defaultdict(Timeline)
    for row in rows:
        timeline = timelines[row["agent_id"]]
        timeline.primary_id = row["primary_instance_id"]
        stay = _stay(row, ends[row["agent_id"], row["instance_id"]], spot, ondemand)
        timeline.stays.append(_doubted(stay, _vouched_at(row)))
        if row["instance_id"] == row["primary_instance_id"]:
            timeline.takeovers.append(Takeover(row["role_changed_at"], row["instance_id"]))
    for move in ledger_facts.list_takeovers(session, agents, since=since):
        timelines[move["agent_id"]].takeovers.append(
            Takeover(move["moved_at"], move["new_instance_id"], move["old_instance_id"])
        )
    return dict(timelines)


def _stay(
    row: Row,
    ends: Mapping[str, Row],
    spot: Mapping[PoolKey, PriceSteps],
    ondemand: Mapping[TypeKey, PriceSteps],
) -> Stay:
    mode = CostMode(row["mode"])
    ended_at, interrupted_at = _end(row, ends)
    own = ondemand.get(_type_key(row), UNKNOWN)
    prices = {CostMode.SPOT: spot.get(_pool_key(row), UNKNOWN), CostMode.ONDEMAND: own}
    return Stay(
        instance_id=row["instance_id"],
        mode=mode,
        pool_id=f"{row['instance_type']}.{row['az']}" if mode is CostMode.SPOT else None,
        is_replica=bool(row["is_replica"]),
        launched_at=row["began_at"],
        ended_at=ended_at,
        interrupted_at=interrupted_at if row["is_launch_known"] else None,
        prices=prices.get(mode, UNKNOWN),
        ondemand_prices=own,
    )


def _vouched_at(row: Row) -> datetime | None:
    """Return when somebody last knew that an instance ran; None when nobody was ever heard.

    A host that vanished is missed by the inventory of its agent, so whoever is heard of an agent of
    ours speaks for all. An installed agent keeps no inventory and speaks for its own host.
    """
    own: datetime | None = row["last_seen_at"]
    agents: datetime | None = row["agent_heard_at"]
    return agents if row["has_inventory"] else own or agents


def _doubted(stay: Stay, heard_at: datetime | None) -> Stay:
    """Limit a stay without an end: a forgotten agent must not go on saving money."""
    if stay.ended_at is not None or heard_at is None:
        return stay
    return replace(stay, seen_until=heard_at + SILENT_FOR, ended_at=heard_at + FORGOTTEN_AFTER)


def _end(row: Row, ends: Mapping[str, Row]) -> tuple[datetime | None, datetime | None]:
    """Return when an instance ended, and when EC2 took it."""
    ended_at = row["ended_at"]
    notice, loss = ends.get("termination-notice"), ends.get("loss")
    if notice is not None and row["mode"] != CostMode.ONDEMAND:
        taken = taken_at(
            noticed_at=notice["noticed_at"], deadline_at=notice["deadline_at"], ended_at=ended_at
        )
        if taken is not None and not _lives_on(row, taken):
            return taken, taken
    if loss is not None and not _lives_on(row, loss["noticed_at"]):
        return min(ended_at or loss["noticed_at"], loss["noticed_at"]), None
    return ended_at, None


def _lives_on(row: Row, end: datetime) -> bool:
    return row["last_seen_at"] is not None and row["last_seen_at"] > end + HEARD_LATE


def _spot_prices(
    session: Session, rows: Iterable[Row], *, since: datetime, until: datetime
) -> dict[PoolKey, PriceSteps]:
    wanted = sorted({_pool_key(row) for row in rows if row["mode"] == CostMode.SPOT})
    if not wanted:
        return {}
    found = ledger_facts.find_pools(session, wanted)
    pools = sorted({(wanted[place][0], pool_id) for place, pool_id in found.items()})
    margin = HOLDS_FOR + GUESSED_FOR
    points = ledger_facts.list_spot_points(
        session, pools, since=since - margin, until=until + margin
    )
    steps = {
        pools[place]: steps_of(list(told), holds_for=HOLDS_FOR, guessed_for=GUESSED_FOR)
        for place, told in _by_place(points).items()
    }
    return {
        wanted[place]: steps.get((wanted[place][0], pool_id), UNKNOWN)
        for place, pool_id in found.items()
    }


def _ondemand_prices(
    session: Session, rows: Iterable[Row], *, since: datetime, until: datetime
) -> dict[TypeKey, PriceSteps]:
    wanted = sorted({_type_key(row) for row in rows})
    if not wanted:
        return {}
    points = ledger_facts.list_ondemand_points(
        session, wanted, since=since, until=until + ONDEMAND_GUESSED_FOR
    )
    return {
        wanted[place]: steps_of(list(told), guessed_for=ONDEMAND_GUESSED_FOR)
        for place, told in _by_place(points).items()
    }


def _by_place(points: Iterable[Row]) -> dict[int, Iterable[PricePoint]]:
    """Return points by place, oldest first; of those for one instant the last counts."""
    told: dict[int, dict[datetime, PricePoint]] = defaultdict(dict)
    for point in points:
        price = Price(point["price_usd_per_hour"], bool(point.get("is_estimated", 0)))
        told[point["place"]][point["bucket_at"]] = PricePoint(point["bucket_at"], price)
    return {place: by_instant.values() for place, by_instant in told.items()}


def _pool_key(row: Row) -> PoolKey:
    return (row["client_id"], row["region"], row["instance_type"], row["az"])


def _type_key(row: Row) -> TypeKey:
    return (row["client_id"], row["region"], row["instance_type"])
