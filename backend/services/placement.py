"""Where many standbys go: pools are ranked once for all that have the same need, then spread."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from backend.db.database import Database
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.sef.pools import Need, Ranking, spread
from backend.services.pool_choice import rank_for


class _Place(NamedTuple):
    client_id: str
    region: str
    instance_type: str
    own_pools: frozenset[str]
    own_az: str
    ondemand_price: Decimal | None


class Placement:
    """Chooses pools for the orders of one pass. Not thread-safe; keep it for one pass only."""

    def __init__(self, database: Database, now: datetime) -> None:
        self._database = database
        self._now = now
        self._rankings: dict[_Place, Ranking] = {}
        self._positions: Counter[_Place] = Counter()

    @property
    def ranking_count(self) -> int:
        """How many different needs there were."""
        return len(self._rankings)

    def pools_for(
        self,
        *,
        client_id: str,
        region: str,
        instance_type: str,
        az: str,
        mode: str,
        taken: frozenset[str],
        ondemand_price: Decimal | None,
    ) -> tuple[str, ...]:
        """Return names of pools to try in order; none means on-demand.

        Args:
            client_id: Whose knowledge of pools counts.
            region: Of the primary.
            instance_type: Of the primary, and of the standby.
            az: Of the primary: its own pool is never chosen.
            mode: Of the primary.
            taken: Pools of the agent's other replicas.
            ondemand_price: USD per hour, None when unknown.
        """
        own = pool_of(instance_type, az, Mode.SPOT if mode == "unknown" else Mode(mode))
        own_pools = taken | {own} if own else taken
        place = _Place(client_id, region, instance_type, own_pools, az, ondemand_price)
        ranking = self._rankings.get(place)
        if ranking is None:
            need = Need(
                region=region,
                instance_types=(instance_type,),
                own_pools=own_pools,
                own_az=az,
                ondemand_price=ondemand_price,
            )
            ranking = self._rankings[place] = self._database.run(
                "rank_pools", lambda s: rank_for(s, client_id, need, now=self._now)
            )
        position = self._positions[place]
        self._positions[place] += 1
        return tuple(c.pool.name for c in spread(ranking, position) if c.pool is not None)
