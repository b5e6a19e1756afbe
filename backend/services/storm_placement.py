"""Where replacements go when many are wanted in the same moment."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from backend.clock import Clock
from backend.db.session import Session
from backend.repositories import pool_reliability
from backend.sef.pools import Need, Ranking, spread
from backend.services.expiring_cache import ExpiringCache
from backend.services.pool_choice import rank_for

STORM_SECONDS: Final = 60.0  # orders of one client within it share the pools
RANKING_SECONDS: Final = 5.0  # prices and losses change by the minute, notices come by the thousand
REMEMBERED: Final = 4096

_Place = tuple[str, str, str, frozenset[str], str | None]


class StormPlacement:
    """Ranks pools once per place and moment, and lets neighbours begin with different ones.

    A storm asks the same question a thousand times: what it costs must not grow with its size.
    Each process counts its own orders, which spreads as well as one count for all. Thread-safe.
    """

    def __init__(self, clock: Clock) -> None:
        self._rankings: ExpiringCache[_Place, Ranking] = ExpiringCache(clock, capacity=REMEMBERED)
        self._positions: ExpiringCache[str, Iterator[int]] = ExpiringCache(
            clock, capacity=REMEMBERED
        )

    def pools_for(
        self,
        session: Session,
        client_id: str,
        *,
        region: str,
        instance_type: str,
        own_pools: frozenset[str],
        own_az: str | None,
        now: datetime,
    ) -> tuple[str, ...]:
        """Return the names of the pools to try, in order, for the client's next replacement."""
        place = (client_id, region, instance_type, own_pools, own_az)
        ranking = self._rankings.get(place)
        if ranking is None:
            ranking = _rank(session, place, now)
            self._rankings.put(place, ranking, seconds=RANKING_SECONDS)
        choices = spread(ranking, self._next_position(client_id))
        return tuple(choice.pool.name for choice in choices if choice.pool is not None)

    def _next_position(self, client_id: str) -> int:
        positions = self._positions.get(client_id)
        if positions is None:
            positions = itertools.count()
            self._positions.put(client_id, positions, seconds=STORM_SECONDS)
        return next(positions)


def _rank(session: Session, place: _Place, now: datetime) -> Ranking:
    client_id, region, instance_type, own_pools, own_az = place
    need = Need(
        region=region,
        instance_types=(instance_type,),
        own_pools=own_pools,
        own_az=own_az,
        ondemand_price=pool_reliability.find_ondemand_price(
            session, client_id=client_id, region=region, instance_type=instance_type
        ),
        is_emergency=True,
    )
    return rank_for(session, client_id, need, now=now)
