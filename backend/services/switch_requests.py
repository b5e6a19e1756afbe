"""Asking for a switch: by the API's users and by operators."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.agent_config import config_from, effective_terminate_wait
from backend.domain.commands import CommandStatus, CommandType, Priority
from backend.domain.modes import Mode
from backend.domain.pools import PoolName, parse_pool_name, pool_of, region_of
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, Forbidden, InvalidRequest, NotFound, UniqueViolation
from backend.repositories import agents, commands, events, instances, news, pools, switches
from backend.services import audit
from backend.services.callers import Actor

logger = logging.getLogger(__name__)

FETCH_WITHIN = timedelta(hours=1)  # a switch that nobody fetched for so long is no longer wanted
FRESH_PRICE = timedelta(minutes=15)  # an older price does not choose a pool


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRequest:
    """A wish to move an agent; ``pool_id`` None on spot means: the cheapest fresh pool.

    ``allow_ondemand``: on-demand will do when no spot pool has capacity. Agents below protocol 5
    know only the one pool that they are given; the wish changes nothing for them. ``actor``: who
    wishes, for the audit log; None when the program itself does.
    """

    target_mode: Mode
    pool_id: str | None
    instance_type: str | None = None
    allow_ondemand: bool = False
    priority: int
    reason: str | None
    requested_by: str
    actor: Actor | None = None
    idempotency_key: str | None = None
    needs_auto_switch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOrder:
    """What became of a wish; ``command_id`` None when the agent is there already."""

    command_id: str | None
    agent_id: str
    target_mode: Mode
    target_pool_id: str | None
    current_mode: Mode
    current_pool_id: str | None


class SwitchRequests:
    """Turns wishes into a command and an open switch, in one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def request(self, client_id: str | None, agent_id: str, wish: SwitchRequest) -> SwitchOrder:
        """Order a switch of an agent's primary.

        Args:
            client_id: The tenant; None for operators, who act for every tenant.
            agent_id: The agent.
            wish: Where to; repeats with the same idempotency key return the first order.

        Raises:
            NotFound: no such agent, or it has no instance.
            InvalidRequest: the agent is disabled, or the pool does not fit.
            Forbidden: the wish depends on auto-switch and that is off.
            Conflict: a switch is open already.
        """
        return self._database.transact(
            "request_switch", lambda tx: self._request(tx, client_id, agent_id, wish)
        )

    def request_by_instance(
        self, client_id: str | None, instance_id: str, wish: SwitchRequest
    ) -> SwitchOrder:
        """Order a switch of the agent whose primary this instance is.

        Raises:
            NotFound: nobody's instance, or not the primary of its agent.
            InvalidRequest, Forbidden, Conflict: as ``request``.
        """
        rows = self._database.run(
            "list_agents_of_instance",
            lambda s: instances.list_agents_of_instance(s, client_id, instance_id),
        )
        if not rows:
            raise NotFound("Unknown instance", field="instance_id")
        if len({row["client_id"] for row in rows}) > 1:
            # One tenant may claim another's instance: which of them is meant, only a person knows.
            raise Conflict(
                "Several clients claim this instance; order the switch by the agent's id",
                field="instance_id",
                client_ids=sorted({row["client_id"] for row in rows}),
            )
        row = rows[0]
        if row["role"] != "primary":
            raise Conflict(
                f"This instance is {row['role']}, not the primary of its agent",
                field="instance_id",
                role=row["role"],
            )
        return self.request(row["client_id"], row["agent_id"], wish)

    def _request(
        self, tx: Transaction, client_id: str | None, agent_id: str, wish: SwitchRequest
    ) -> SwitchOrder:
        now = self._clock.now()
        agent, primary = _agent_and_primary(tx, client_id, agent_id)
        earlier = _earlier_order(tx, agent_id, wish)
        if earlier:
            return _order(agent_id, primary, earlier["id"], earlier)
        _check_permitted(agent, wish)
        offer = _offered_pools(tx, agent, primary, wish, now)
        target = offer[0] if offer else None
        current_pool = _current_pool(primary)
        target_id = str(target) if target else None
        if primary["mode"] == wish.target_mode and target_id in (None, current_pool):
            return _order(agent_id, primary, None, {"target_pool_id": target_id}, wish.target_mode)
        try:
            command_id = self._write(tx, agent, primary, wish, offer, now)
        except UniqueViolation as error:
            earlier = _earlier_order(tx, agent_id, wish)
            if earlier:
                return _order(agent_id, primary, earlier["id"], earlier)
            raise _open_switch_conflict(tx, agent_id) from error
        tx.commit()
        return _order(
            agent_id, primary, command_id, {"target_pool_id": target_id}, wish.target_mode
        )

    def _write(
        self,
        tx: Transaction,
        agent: Row,
        primary: Row,
        wish: SwitchRequest,
        offer: Sequence[PoolName],
        now: datetime,
    ) -> str:
        command_id = str(uuid.uuid4())
        target = offer[0] if offer else None
        pool_id = str(target) if target else None
        news.tell_news(tx, agent["id"])
        switches.insert_switch(tx, _switch_row(agent, primary, wish, target, command_id, now))
        commands.insert_command(
            tx,
            {
                "id": command_id,
                "client_id": agent["client_id"],
                "agent_id": agent["id"],
                "command_type": CommandType.SWITCH,
                "instance_id": primary["instance_id"],
                "target_mode": wish.target_mode,
                "target_pool_id": pool_id,
                "payload": _payload(offer, wish),
                "priority": wish.priority,
                "terminate_wait_seconds": effective_terminate_wait(config_from(agent)),
                "reason": wish.reason,
                "created_by": wish.requested_by,
                "idempotency_key": wish.idempotency_key,
                "status": CommandStatus.PENDING,
                "outcome_code": None,
                "message": None,
                "expires_at": now + FETCH_WITHIN,
                "now": now,
                "ended_at": None,
            },
        )
        self._tell(tx, agent, primary, wish, pool_id, now)
        return command_id

    @staticmethod
    def _tell(
        tx: Transaction,
        agent: Row,
        primary: Row,
        wish: SwitchRequest,
        pool_id: str | None,
        now: datetime,
    ) -> None:
        target = pool_id or str(wish.target_mode)
        message = f"Switch of {agent['logical_agent_id']} to {target} requested"
        events.record_event(
            tx,
            event_type="manual_switch_requested",
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            instance_id=primary["instance_id"],
            details={"target": target, "requested_by": wish.requested_by},
            now=now,
        )
        if wish.actor:
            details = {
                "instance_id": primary["instance_id"],
                "target": {"before": _current_pool(primary) or primary["mode"], "after": target},
            }
            change = audit.Change(
                "switch_requested", "agent", agent["id"], agent["client_id"], details
            )
            audit.record(tx, wish.actor, change, now)
        events.notify(
            tx,
            notification_type="manual_switch_requested",
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            now=now,
        )


def _agent_and_primary(session: Session, client_id: str | None, agent_id: str) -> tuple[Row, Row]:
    if client_id is None:
        owner = agents.find_agent_of_any_client(session, agent_id)
        client_id = owner["client_id"] if owner else ""
    agent = agents.find_agent(session, client_id, agent_id)
    if agent is None or agent["status"] == "deleted":
        raise NotFound("Unknown agent", field="agent_id")
    primary_id = agent["primary_instance_id"] or ""
    primary = instances.find_instance(session, client_id, agent_id, primary_id)
    if primary is None:
        raise NotFound("This agent has no instance", field="agent_id")
    return agent, primary


def _earlier_order(session: Session, agent_id: str, wish: SwitchRequest) -> Row | None:
    """Return what an earlier request with the same key made; also asked after losing a race."""
    if not wish.idempotency_key:
        return None
    return commands.find_command_by_key(session, agent_id, wish.idempotency_key)


def _check_permitted(agent: Row, wish: SwitchRequest) -> None:
    if not agent["enabled"]:
        raise InvalidRequest("The agent is disabled", hint="Enable the agent, then try again")
    if wish.needs_auto_switch and not agent["auto_switch_enabled"]:
        raise Forbidden(
            "Auto-switch is off for this agent",
            hint="Turn auto-switch on, or use force-switch",
            auto_switch_enabled=False,
        )


def _offered_pools(
    session: Session, agent: Row, primary: Row, wish: SwitchRequest, now: datetime
) -> list[PoolName]:
    """Return the pools to try, in order; none for on-demand.

    First the one that was asked for (or the cheapest), then the others by price: an agent of ours
    falls through to them when the first has no capacity.
    """
    if wish.instance_type not in (None, primary["instance_type"]):
        raise InvalidRequest(
            f"A switch keeps the instance type, which is {primary['instance_type']}",
            field="new_instance_type",
        )
    if wish.target_mode is Mode.ONDEMAND:
        return []
    elsewhere = _fresh_pools(session, agent, primary, now)
    if wish.pool_id is not None:
        asked = _asked_pool(wish.pool_id, primary)
        return [asked, *(pool for pool in elsewhere if pool != asked)]
    if not elsewhere:
        raise InvalidRequest(
            "No other pool of this type has a price of the last 15 minutes; name a pool",
            field="target_pool_id",
        )
    return elsewhere


def _asked_pool(pool_id: str, primary: Row) -> PoolName:
    """Return the named pool, which must fit the instance."""
    pool = parse_pool_name(pool_id, field="target_pool_id")
    if pool.instance_type != primary["instance_type"]:
        raise InvalidRequest(
            f"The pool is for {pool.instance_type}, the agent runs on {primary['instance_type']}",
            field="target_pool_id",
            agent_type=primary["instance_type"],
            pool_type=pool.instance_type,
        )
    if region_of(pool.az) != primary["region"]:
        raise InvalidRequest(
            f"The pool is in {region_of(pool.az)}, the agent in {primary['region']}",
            field="target_pool_id",
        )
    return pool


def _fresh_pools(session: Session, agent: Row, primary: Row, now: datetime) -> list[PoolName]:
    """Return the pools of the agent's type with a fresh price, cheapest first, not its own."""
    rows = pools.list_fresh_prices(
        session,
        client_id=agent["client_id"],
        region=primary["region"],
        instance_type=primary["instance_type"],
        since=now - FRESH_PRICE,
    )
    current = _current_pool(primary)
    names = [PoolName(instance_type=row["instance_type"], az=row["az"]) for row in rows]
    return [name for name in names if str(name) != current]


def _payload(offer: Sequence[PoolName], wish: SwitchRequest) -> str:
    """Return what only agents of ours read: a wish never ends on-demand against its word."""
    body = {"pools": [str(pool) for pool in offer], "allow_ondemand": wish.allow_ondemand}
    return orjson.dumps(body).decode()


def _current_pool(primary: Row) -> str | None:
    return pool_of(primary["instance_type"], primary["az"], Mode(primary["mode"]))


def _switch_row(
    agent: Row,
    primary: Row,
    wish: SwitchRequest,
    target: PoolName | None,
    command_id: str,
    now: datetime,
) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "client_id": agent["client_id"],
        "agent_id": agent["id"],
        "command_id": command_id,
        "cause": SwitchCause.MANUAL if wish.priority >= Priority.MANUAL else SwitchCause.ENGINE,
        "reason": wish.reason,
        "old_instance_id": primary["instance_id"],
        "old_instance_type": primary["instance_type"],
        "old_az": primary["az"],
        "old_mode": primary["mode"],
        "old_pool_id": _current_pool(primary),
        "new_instance_type": primary["instance_type"],
        "new_az": target.az if target else None,
        "new_mode": wish.target_mode,
        "new_pool_id": str(target) if target else None,
        "now": now,
    }


def _open_switch_conflict(session: Session, agent_id: str) -> Conflict:
    open_switch = switches.find_open_switch(session, agent_id)
    status = open_switch["status"] if open_switch else "open"
    return Conflict(
        f"A switch of this agent is {status} already; a second one cannot be requested",
        switch_id=open_switch["id"] if open_switch else None,
        present_state=status,
        requested_state="requested",
    )


def _order(
    agent_id: str,
    primary: Row,
    command_id: str | None,
    target: Row,
    mode: Mode | None = None,
) -> SwitchOrder:
    return SwitchOrder(
        command_id=command_id,
        agent_id=agent_id,
        target_mode=mode or Mode(target["target_mode"]),
        target_pool_id=target["target_pool_id"],
        current_mode=Mode(primary["mode"]),
        current_pool_id=_current_pool(primary),
    )
