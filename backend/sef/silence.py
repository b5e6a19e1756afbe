"""When silence means loss: the watch must be armed, and too many at once are no losses but an outage.

Pure. Nothing here is remembered except the two instants of the watch: whether an agent belongs to
an outage follows from who else fell silent within one timeout of it, however long ago that was.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.sef.restraint import LAUNCHES_PER_HOUR, client_budget

SHORTEST_HOLE: Final = timedelta(seconds=45)  # three runs of the watcher
CLIENT_SHARE: Final = 0.20
CLIENT_MINIMUM: Final = 3  # silent agents
FLEET_SHARE: Final = 0.10
FLEET_MINIMUM: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """``watched_at``: the last run of the watcher; ``armed_at``: from when on silence counts."""

    watched_at: datetime
    armed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """An agent whose primary has been unheard for longer than the timeout."""

    agent_id: str
    client_id: str
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """Who is silent together. ``clients`` are those with an outage of their own."""

    is_fleetwide: bool
    clients: frozenset[str]
    agents: frozenset[str]
    silent: Mapping[str, int]


def hole(timeout: timedelta) -> timedelta:
    """Return how long the watcher may pause before what it sees proves nothing."""
    return max(timeout, SHORTEST_HOLE)


def watch(previous: Watch | None, *, now: datetime, timeout: timedelta) -> Watch:
    """Return the watch after a run: after a start or a hole it is armed two timeouts from now."""
    if previous is None or not -timeout < now - previous.watched_at <= hole(timeout):
        return Watch(watched_at=now, armed_at=now + 2 * timeout)
    return Watch(watched_at=now, armed_at=previous.armed_at)


def is_armed(present: Watch | None, *, now: datetime, timeout: timedelta) -> bool:
    """Tell whether silence counts for somebody who decides beside the watcher.

    A database that was never watched is a new one: there silence counts as it always did.
    """
    if present is None:
        return True
    return present.armed_at <= now <= present.watched_at + hole(timeout)


def find_outages(
    silent: Sequence[Silent], fleet: Mapping[str, int], *, timeout: timedelta
) -> Outages:
    """Return who fell silent together with too many others to be lost one by one.

    Args:
        silent: The agents that are silent now.
        fleet: Watched agents by client, the silent ones included.
        timeout: Agents last heard within so long of each other fell silent together.
    """
    everybody = sum(fleet.values())
    together = _crowd(silent, FLEET_SHARE * everybody, FLEET_MINIMUM, timeout)
    clients: set[str] = set()
    agents = {one.agent_id for one in together}
    by_client: dict[str, list[Silent]] = {}
    for one in silent:
        by_client.setdefault(one.client_id, []).append(one)
    for client_id, own in by_client.items():
        share = CLIENT_SHARE * fleet.get(client_id, len(own))
        crowd = _crowd(own, share, CLIENT_MINIMUM, timeout)
        if crowd:
            clients.add(client_id)
            agents |= {one.agent_id for one in crowd}
    counts = Counter(one.client_id for one in silent if one.agent_id in agents)
    return Outages(
        is_fleetwide=bool(together),
        clients=frozenset(clients),
        agents=frozenset(agents),
        silent=dict(counts),
    )


class LaunchBudget:
    """Counts launches against what agents and clients may have in an hour. Not thread-safe."""

    def __init__(
        self,
        *,
        agents: Mapping[str, int],
        clients: Mapping[str, int],
        fleet: Mapping[str, int],
    ) -> None:
        self._agents = Counter(agents)
        self._clients = Counter(clients)
        self._fleet = fleet
        self.exceeded: Counter[str] = Counter()

    def take(self, client_id: str, agent_id: str, *, is_wished: bool = False) -> bool:
        """Take one launch from both budgets; False, and nothing taken, when one is used up.

        An agent's first standby of the hour that its user wants at all times (``is_wished``) is no
        sign of a loop: the client's budget neither hinders it nor pays for it.
        """
        if is_wished and not self._agents[agent_id]:
            self._agents[agent_id] += 1
            return True
        most = client_budget(self._fleet.get(client_id, 0))
        if self._agents[agent_id] >= LAUNCHES_PER_HOUR or self._clients[client_id] >= most:
            self.exceeded[client_id] += 1
            return False
        self._agents[agent_id] += 1
        self._clients[client_id] += 1
        return True


def _crowd(
    silent: Iterable[Silent], share: float, minimum: int, timeout: timedelta
) -> list[Silent]:
    """Return everybody who stands in some window of one timeout with more than ``share``."""
    line = sorted(silent, key=lambda one: (one.heard_at, one.agent_id))
    crowd: list[Silent] = []
    taken = first = 0  # line[:taken] has been looked at for the crowd
    for last, one in enumerate(line):
        while one.heard_at - line[first].heard_at > timeout:
            first += 1
        size = last - first + 1
        if size >= minimum and size > share:
            crowd.extend(line[max(first, taken) : last + 1])
            taken = last + 1
    return crowd
