"""What a primary of ours does when EC2 takes it and the backend cannot be asked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.freezing import FreezeLevel, strictest
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.repositories import emergency_plans
from backend.repositories import pool_reliability as reliability
from backend.sef.plans import PlanAction
from backend.sef.policy import PROMOTABLE_HEARD
from backend.sef.pools import Need
from backend.services.expiring_cache import ExpiringCache
from backend.services.pool_choice import rank_for

# The plan is for the worst day: which pool is the best moves slowly enough for it.
RANKING_KEPT_SECONDS = 60.0
RANKINGS = 2_000  # needs that are remembered: one for a client, zone and type
# A standby that syncs every 15 s; the plan is not made anew whenever it is a little late.
STANDBY_HEARD = PROMOTABLE_HEARD + timedelta(seconds=75)


class _Place(NamedTuple):
    client_id: str
    region: str
    instance_type: str
    az: str
    mode: str


class EmergencyPlans:
    """Makes the plan that a primary keeps on disk. Reads only; thread-safe."""

    def __init__(self, database: Database, clock: Clock, *, is_sef_on: bool) -> None:
        self._database = database
        self._clock = clock
        self._is_sef_on = is_sef_on
        self._rankings: ExpiringCache[_Place, tuple[str, ...]] = ExpiringCache(
            clock, capacity=RANKINGS
        )

    def plan_for(self, client_id: str, agent_id: str) -> Mapping[str, Any] | None:
        """Return the plan of an agent's primary, None when there is no such agent.

        ``hand_over`` names a replica that is ready, ``launch`` the pools to try, ``none`` says that
        nobody is to act: the fallback is off, the agent disabled, or emergencies frozen.
        """
        return self._database.run("plan_emergency", lambda s: self._plan(s, client_id, agent_id))

    def _plan(self, session: Session, client_id: str, agent_id: str) -> Mapping[str, Any] | None:
        now = self._clock.now()
        row = emergency_plans.find_plan_facts(
            session, client_id, agent_id, heard_since=now - STANDBY_HEARD
        )
        if row is None:
            return None
        freeze = strictest(row["global_freeze"], row["client_freeze"], row["agent_freeze"])
        if not self._is_sef_on or not row["enabled"] or freeze is FreezeLevel.ALL:
            return _plan(PlanAction.NONE, row)
        if row["replica_id"] is not None:
            return _plan(PlanAction.HAND_OVER, row)
        return _plan(PlanAction.LAUNCH, row, pools=self._pools(session, client_id, row))

    def _pools(self, session: Session, client_id: str, row: Row) -> tuple[str, ...]:
        """Return where a replacement is tried, in an emergency's order."""
        place = _Place(client_id, row["region"], row["instance_type"], row["az"], row["mode"])
        pools = self._rankings.get(place)
        if pools is None:
            pools = self._ranked(session, place)
            self._rankings.put(place, pools, seconds=RANKING_KEPT_SECONDS)
        return pools

    def _ranked(self, session: Session, place: _Place) -> tuple[str, ...]:
        own = pool_of(place.instance_type, place.az, Mode(place.mode))
        need = Need(
            region=place.region,
            instance_types=(place.instance_type,),
            own_pools=frozenset({own} if own else ()),
            own_az=place.az,
            ondemand_price=reliability.find_ondemand_price(
                session,
                client_id=place.client_id,
                region=place.region,
                instance_type=place.instance_type,
            ),
            is_emergency=True,
        )
        ranking = rank_for(session, place.client_id, need, now=self._clock.now())
        return tuple(option.name for option in ranking.spot)


def _plan(action: PlanAction, row: Row, *, pools: tuple[str, ...] = ()) -> dict[str, Any]:
    is_hand_over = action is PlanAction.HAND_OVER
    return {
        "action": action,
        "replica_id": row["replica_id"] if is_hand_over else None,
        "new_instance_id": row["replica_instance_id"] if is_hand_over else None,
        "epoch": row["epoch"],
        "pools": list(pools),
        "allow_ondemand": action is PlanAction.LAUNCH,
        "order_id": None,
    }
