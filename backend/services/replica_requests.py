"""Replicas that somebody asks for, and replicas that an installed agent made by itself."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.commands import NATIVE_PROTOCOL, Priority
from backend.domain.modes import Mode
from backend.domain.pools import PoolName, parse_pool_name, pool_of
from backend.domain.replica_orders import ReplicaOrder
from backend.domain.replica_reports import ReplicaChange, next_status
from backend.domain.replicas import ReplicaStatus
from backend.errors import Conflict, InvalidRequest, NotFound
from backend.repositories import agents, events, instances, replica_orders, replicas
from backend.repositories import pool_reliability as reliability
from backend.sef.pools import Need, PoolOption, Preference
from backend.services import audit
from backend.services.callers import Actor
from backend.services.pool_choice import rank_for
from backend.services.replica_changes import change, view_of
from backend.services.replica_takeover import ReplicaTakeover

MOST_REPLICAS = 2  # one that serves, and one that is prepared to take its place
ATTEMPTS = 8  # compare-and-set rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaWish:
    """A replica that somebody asks for.

    Attributes:
        pool_id: Where; None leaves the choice to us.
        exclude_zones: Zones to keep out of.
        max_hourly_cost: USD; pools that cost more are not used.
        tags: The user's own tags for the instance.
        created_by: Who asks.
        actor: The same for the audit log; None writes nothing there.
    """

    pool_id: str | None = None
    exclude_zones: frozenset[str] = frozenset()
    max_hourly_cost: Decimal | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_by: str
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """An ordered replica: ``pool`` is where it is tried first, the price is USD per hour."""

    replica_id: str
    client_id: str
    pool: PoolName
    region: str
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """An instance that an installed agent launched and tells of afterwards."""

    instance_id: str
    pool_id: str | None
    is_ready: bool


@dataclass(frozen=True, slots=True)
class _Adopted:
    replica_id: str | None


class ReplicaRequests:
    """Orders replicas for people, and adopts what installed agents launched."""

    def __init__(self, database: Database, clock: Clock, takeover: ReplicaTakeover) -> None:
        self._database = database
        self._clock = clock
        self._takeover = takeover

    def request(self, client_id: str | None, agent_id: str, wish: ReplicaWish) -> Requested:
        """Order a replica. ``client_id`` None serves operators.

        Raises:
            NotFound: no such agent, it is not online, or nobody knows the pool.
            InvalidRequest: manual replicas are off, there are two already, the pool does not fit,
                or none qualifies.
            Conflict: the agent has another primary meanwhile.
        """
        now = self._clock.now()
        requested = self._database.run(
            "request_replica", lambda s: _request(s, client_id, agent_id, wish, now)
        )
        if wish.actor is not None:
            self._audit(agent_id, requested, wish.actor, now)
        return requested

    def _audit(self, agent_id: str, requested: Requested, actor: Actor, now: datetime) -> None:
        details = {
            "replica": {"before": None, "after": requested.replica_id},
            "pool": str(requested.pool),
        }
        change = audit.Change("replica_requested", "agent", agent_id, requested.client_id, details)
        self._database.run("audit_replica", lambda s: audit.record(s, actor, change, now))

    def adopt(self, client_id: str, agent_id: str, launched: Launched) -> str | None:
        """Bind an instance that is running already to the order that it was launched for.

        Repeatable. Without exactly one open order the instance belongs to nothing: that is said to
        the operators, and ``None`` answered.

        Raises:
            NotFound: the client has no such agent.
            InvalidRequest: the pool's name is none.
        """
        if launched.pool_id:
            parse_pool_name(launched.pool_id)
        for _ in range(ATTEMPTS):
            adopted = self._database.transact(
                "adopt_replica", lambda tx: self._adopt(tx, client_id, agent_id, launched)
            )
            if adopted is None:
                continue
            if adopted.replica_id is not None:
                self._takeover.take_over_if_chosen(client_id, agent_id, adopted.replica_id)
            return adopted.replica_id
        raise Conflict("The agent is changing too fast; try again", retry_after_seconds=1)

    def _adopt(
        self, tx: Transaction, client_id: str, agent_id: str, launched: Launched
    ) -> _Adopted | None:
        """Return what became of it, or None when the replica has changed meanwhile."""
        now = self._clock.now()
        agent = agents.find_agent(tx, client_id, agent_id)
        if agent is None:
            raise NotFound("Unknown agent", field="agent_id")
        known = replicas.find_replica_of_instance(tx, agent_id, launched.instance_id)
        if known is not None:
            return _Adopted(known["id"])
        live = replicas.list_replicas(tx, client_id, agent_id, status=None, include_ended=False)
        waiting = [r for r in live if r["instance_id"] is None and r["protocol"] < NATIVE_PROTOCOL]
        if len(waiting) != 1:
            _refuse(tx, agent, launched.instance_id, len(waiting), now)
            tx.commit()
            return _Adopted(None)
        replica = view_of(waiting[0])
        pool = parse_pool_name(launched.pool_id) if launched.pool_id else None
        said = ReplicaStatus.READY if launched.is_ready else ReplicaStatus.SYNCING
        wanted = ReplicaChange(
            status=next_status(replica, said),
            instance_id=launched.instance_id,
            pool_name=str(pool) if pool else None,
            az=pool.az if pool else None,
            launched_at=now,
            confirmed_running_at=now,
        )
        if not change(
            tx, client_id=client_id, agent_id=agent_id, replica=replica, wanted=wanted, now=now
        ):
            return None
        tx.commit()
        return _Adopted(replica.id)


def _request(
    session: Session, client_id: str | None, agent_id: str, wish: ReplicaWish, now: datetime
) -> Requested:
    agent, primary = _online_agent(session, client_id, agent_id)
    if not agent["manual_replica_enabled"]:
        raise InvalidRequest(
            "Manual replicas are off for this agent",
            field="agent_id",
            hint="Turn manual replicas on, then try again",
        )
    live = replicas.list_replicas(
        session, agent["client_id"], agent_id, status=None, include_ended=False
    )
    if len(live) >= MOST_REPLICAS:
        raise _too_many(len(live))
    offer = _offer(session, agent, primary, wish, now)
    order = _order(agent, primary, wish, offer, besides=live[0]["id"] if live else None)
    serving = replica_orders.request_replica(session, agent["client_id"], agent_id, order, now=now)
    if serving is None:
        raise Conflict("The agent has another primary meanwhile; look again", field="agent_id")
    if not serving.is_new:
        raise Conflict(
            "Another replica of this agent was ordered in the same moment", field="agent_id"
        )
    first = offer[0]
    return Requested(
        replica_id=serving.replica_id,
        client_id=agent["client_id"],
        pool=PoolName(instance_type=first.instance_type, az=first.az),
        region=first.region,
        price=first.price,
    )


def _order(
    agent: Row,
    primary: Row,
    wish: ReplicaWish,
    offer: Sequence[PoolOption],
    *,
    besides: str | None,
) -> ReplicaOrder:
    is_native = primary["protocol"] >= NATIVE_PROTOCOL
    return ReplicaOrder(
        replica_id=str(uuid.uuid4()),
        command_id=str(uuid.uuid4()),
        kind="manual",
        promotes=False,
        event_id=None,
        besides=besides,
        instance_type=primary["instance_type"],
        region=primary["region"],
        pools=tuple(option.name for option in offer),
        allows_ondemand=False,  # a wish never ends on-demand against its word
        protocol=primary["protocol"],
        executor_instance_id=primary["instance_id"] if is_native else None,
        priority=Priority.MANUAL,
        created_by=wish.created_by[:100],
        tags=wish.tags,
        max_price_usd_per_hour=(
            None if wish.max_hourly_cost is None else float(wish.max_hourly_cost)
        ),
        expected_epoch=agent["epoch"],
    )


def _online_agent(session: Session, client_id: str | None, agent_id: str) -> tuple[Row, Row]:
    if client_id is None:
        owner = agents.find_agent_of_any_client(session, agent_id)
        client_id = owner["client_id"] if owner else ""
    agent = agents.find_agent(session, client_id, agent_id)
    if agent is None or agent["status"] != "online":
        raise NotFound("Unknown agent, or it is not online", field="agent_id")
    primary = instances.find_instance(
        session, client_id, agent_id, agent["primary_instance_id"] or ""
    )
    if primary is None:
        raise NotFound("This agent has no instance", field="agent_id")
    return agent, primary


def _too_many(count: int) -> InvalidRequest:
    return InvalidRequest(
        f"This agent has {count} replicas already",
        field="agent_id",
        current_count=count,
        max_allowed=MOST_REPLICAS,
    )


def _offer(
    session: Session, agent: Row, primary: Row, wish: ReplicaWish, now: datetime
) -> Sequence[PoolOption]:
    """Return the pools to try, in order: the named one first, then the others that qualify."""
    instance_type, az = primary["instance_type"], primary["az"]
    own = pool_of(instance_type, az, Mode(primary["mode"]))
    need = Need(
        region=primary["region"],
        instance_types=[instance_type],
        own_pools=frozenset({own} if own else ()),
        own_az=az,
        ondemand_price=reliability.find_ondemand_price(
            session,
            client_id=agent["client_id"],
            region=primary["region"],
            instance_type=instance_type,
        ),
        preference=Preference.CHEAPEST,
    )
    ranking = rank_for(session, agent["client_id"], need, now=now)
    suitable = [
        option
        for option in ranking.spot
        if option.az not in wish.exclude_zones
        and (wish.max_hourly_cost is None or option.price <= wish.max_hourly_cost)
    ]
    if wish.pool_id is not None:
        asked = _asked(wish.pool_id, instance_type, own)
        known = [*ranking.spot, *(option for option, _ in ranking.refused)]
        found = next((option for option in known if option.name == asked), None)
        if found is None:
            raise NotFound("Nobody has reported a price of this pool", field="pool_id")
        return [found, *(option for option in suitable if option.name != asked)]
    if not suitable:
        raise InvalidRequest(
            "No other pool of this type qualifies",
            field="pool_id",
            hint="Name a pool, raise max_hourly_cost, or exclude fewer zones",
            refused={option.name: refusal.value for option, refusal in ranking.refused},
        )
    return suitable


def _asked(pool_id: str, instance_type: str, own: str | None) -> str:
    """Return the name of the pool that was asked for, which must fit the agent."""
    pool = parse_pool_name(pool_id)
    if pool.instance_type != instance_type:
        raise InvalidRequest(
            f"The pool is for {pool.instance_type}, the agent runs on {instance_type}",
            field="pool_id",
            agent_type=instance_type,
            pool_type=pool.instance_type,
        )
    if str(pool) == own:
        raise InvalidRequest(
            "A replica in the primary's own pool would be lost together with it", field="pool_id"
        )
    return str(pool)


def _refuse(tx: Transaction, agent: Row, instance_id: str, count: int, now: datetime) -> None:
    """Say that an instance runs which no order explains."""
    message = (
        f"{agent['logical_agent_id']} launched {instance_id} as a replica, but {count} orders are "
        "open for it: end the instance, or find out what it is"
    )
    events.record_event(
        tx,
        event_type="replica_refused",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=instance_id,
        now=now,
    )
    events.notify(
        tx,
        notification_type="replica_refused",
        severity="warning",
        message=message,
        client_id=agent["client_id"],
        agent_id=agent["id"],
        now=now,
    )
