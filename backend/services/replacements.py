"""What a decision about a signal sets in motion: promotions, orders, and the plan that says so."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from backend.db.session import Row, Session
from backend.domain.commands import NATIVE_PROTOCOL, Priority, lease_duration
from backend.domain.fencing import Role
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.domain.replica_orders import ReplicaOrder, ServingReplica
from backend.domain.replicas import ReplicaStatus
from backend.domain.switches import SwitchCause
from backend.repositories import instances, interruptions, replica_orders
from backend.sef.plans import Plan, PlanAction
from backend.sef.policy import BUDGET_WINDOW, Decision, Launches, Signal, budget_obstacle
from backend.services import promotion
from backend.services.promotion import Handover, Promoted
from backend.services.storm_placement import StormPlacement

_CAUSES = {
    Signal.REBALANCE: SwitchCause.REBALANCE,
    Signal.TERMINATION: SwitchCause.TERMINATION,
    Signal.LOSS: SwitchCause.LOSS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A signal with the rows that its decision rests on; see ``record_interruption``."""

    client_id: str
    agent_id: str
    subject_id: str
    signal: Signal
    row: Row
    replicas: Sequence[Row]
    successor: Row | None
    launcher_instance_id: str | None = None
    may_order: bool = True

    @property
    def event_id(self) -> str:
        """The event that the signal has begun or joined."""
        return str(self.row["event_id"])

    def replica(self, replica_id: str | None) -> Row:
        """Return one of the live replicas.

        Raises:
            LookupError: there is no such replica; a decision never names one.
        """
        for row in self.replicas:
            if row["id"] == replica_id:
                return row
        raise LookupError(replica_id)


class Replacements:
    """Orders replicas for signals."""

    def __init__(self, placement: StormPlacement) -> None:
        self._placement = placement

    def obstacle(self, session: Session, case: Case, *, now: datetime) -> str | None:
        """Return the budget that forbids a launch, None when it is permitted.

        The first replacement after a notice is always permitted.
        """
        if case.signal is not Signal.REBALANCE and case.row["replica_id"] is None:
            return None
        return budget_obstacle(_launches(session, case, now))

    def order(
        self, session: Session, case: Case, decision: Decision, *, now: datetime
    ) -> Plan | None:
        """Order one replica; None when another one serves meanwhile: decide again."""
        pools = self._pools(session, case, now)
        wanted = _order_of(session, case, decision, pools)
        serving = replica_orders.request_replica(
            session, case.client_id, case.agent_id, wanted, now=now
        )
        if serving is None or not serving.is_new:
            return None
        return _plan_of_order(case, decision, wanted, serving)

    def _pools(self, session: Session, case: Case, now: datetime) -> tuple[str, ...]:
        """Return the pools to try, in order: never the one that is lost now."""
        row = case.row
        own = {pool_of(row["instance_type"], row["az"], Mode(row["mode"]))}
        if row["role"] == Role.REPLICA and row["primary_instance_id"] is not None:
            primary = instances.find_instance(
                session, case.client_id, case.agent_id, row["primary_instance_id"]
            )
            if primary is not None:
                own.add(pool_of(primary["instance_type"], primary["az"], Mode(primary["mode"])))
        return self._placement.pools_for(
            session,
            case.client_id,
            region=row["region"],
            instance_type=row["instance_type"],
            own_pools=frozenset(name for name in own if name is not None),
            own_az=row["az"],
            now=now,
        )

    @staticmethod
    def plan_for_waiting(
        session: Session, case: Case, decision: Decision, *, now: datetime
    ) -> Plan:
        """Return the plan while a replica is on its way; launch, where that is the asker's work."""
        row = case.replica(decision.replica_id)
        if _is_rescuers(case, row):
            return plan_for(
                case,
                PlanAction.LAUNCH,
                decision,
                order=_rescue_order(case, row),
                pools=tuple(orjson.loads(row["pools"])),
                allow_ondemand=bool(row["allows_ondemand"]),
            )
        is_asked = (
            row["instance_id"] is None
            and row["command_status"] in {"pending", "leased"}
            and row["holder_instance_id"] == case.subject_id
        )
        if is_asked and row["command_status"] == "pending":
            replica_orders.lease_order(
                session,
                command_id=row["command_id"],
                instance_id=case.subject_id,
                protocol=row["protocol"],
                lease=lease_duration(row["protocol"], 0),
                now=now,
            )
        action = PlanAction.LAUNCH if is_asked else PlanAction.AWAIT
        order = orjson.loads(row["command_payload"]) if is_asked else None
        return plan_for(
            case,
            action,
            decision,
            order=order and {**order, "command_id": row["command_id"]},
            pools=tuple(orjson.loads(row["pools"])),
            allow_ondemand=bool(row["allows_ondemand"]),
        )


def _is_rescuers(case: Case, row: Row) -> bool:
    """Tell whether the rescuer that asks again is the one that has to launch this replica."""
    return (
        case.launcher_instance_id is not None
        and row["instance_id"] is None
        and row["holder_instance_id"] == case.launcher_instance_id
    )


def _rescue_order(case: Case, row: Row) -> dict[str, Any]:
    """Return the order again: no command of the rescued agent carries it."""
    return {
        "replica_id": row["id"],
        "kind": "automatic-termination",
        "event_id": row["event_id"],
        "instance_type": case.row["instance_type"],
        "pools": orjson.loads(row["pools"]),
        "allow_ondemand": bool(row["allows_ondemand"]),
        "tags": {},
        "command_id": None,
    }


def promote_standby(
    session: Session, case: Case, decision: Decision, *, now: datetime
) -> Promoted | None:
    """Carry out a decision to promote or adopt; None when the agent has changed meanwhile."""
    row, successor = case.row, case.successor
    replica = case.replica(decision.replica_id) if decision.replica_id else None
    vehicle = replica or successor
    if vehicle is None:
        raise LookupError(decision.switch_id)  # never: a decision names what the snapshot holds
    cause = _CAUSES[case.signal]
    return promotion.apply(
        session,
        Handover(
            client_id=case.client_id,
            agent_id=case.agent_id,
            agent_name=row["logical_agent_id"],
            epoch=row["epoch"],
            old_instance_id=row["primary_instance_id"],
            new_instance_id=vehicle["instance_id"],
            new_protocol=vehicle["protocol"],
            replica_id=replica["id"] if replica else None,
            replica_status=ReplicaStatus(replica["status"]) if replica else None,
            adopted_switch_id=decision.switch_id,
            undone_instance_id=successor["instance_id"] if successor else None,
            cause=cause,
            event_id=case.event_id,
            requested_at=row["received_at"],
            deadline_at=row["deadline_at"],
            retires_old_after=promotion.keep_old_for(row, cause),
        ),
        now=now,
    )


def plan_for(
    case: Case,
    action: PlanAction,
    decision: Decision,
    *,
    promoted: Promoted | None = None,
    order: dict[str, Any] | None = None,
    pools: tuple[str, ...] = (),
    allow_ondemand: bool = False,
) -> Plan:
    """Return the plan for the host behind a signal."""
    row = case.row
    replica_id = decision.replica_id or row["replica_id"]
    standby = next((r for r in case.replicas if r["id"] == replica_id), None)
    new_instance_id = standby["instance_id"] if standby else row["new_instance_id"]
    return Plan(
        action=action,
        event_id=case.event_id,
        replica_id=replica_id,
        new_instance_id=promoted.new_instance_id if promoted else new_instance_id,
        old_instance_id=case.subject_id,
        epoch=promoted.epoch if promoted else row["epoch"],
        deadline=row["deadline_at"],
        pools=pools,
        allow_ondemand=allow_ondemand,
        order=order,
        reason=decision.reason,
    )


def _plan_of_order(
    case: Case, decision: Decision, order: ReplicaOrder, serving: ServingReplica
) -> Plan:
    command_id = order.command_id if order.is_commanded else None
    payload = {**order.payload(), "command_id": command_id}
    action = PlanAction.AWAIT if order.promotes else PlanAction.MONITOR
    if order.is_handed_out:
        action = PlanAction.LAUNCH
    return Plan(
        action=action,
        event_id=case.event_id,
        replica_id=serving.replica_id,
        old_instance_id=case.subject_id,
        epoch=serving.epoch,
        deadline=case.row["deadline_at"],
        pools=order.pools,
        allow_ondemand=order.allows_ondemand,
        order=payload if order.is_handed_out else None,
        reason=decision.reason,
    )


def _order_of(
    session: Session, case: Case, decision: Decision, pools: tuple[str, ...]
) -> ReplicaOrder:
    row = case.row
    launcher = case.launcher_instance_id or row["primary_instance_id"]
    protocol = _protocol_of(session, case, launcher)
    is_native = protocol >= NATIVE_PROTOCOL
    # Who asks because it ends itself, or because it was sent to look, has the answer in hand.
    is_handed_out = is_native and decision.promotes and launcher == _asker(case)
    is_rebalance = case.signal is Signal.REBALANCE
    return ReplicaOrder(
        replica_id=str(uuid.uuid4()),
        command_id=str(uuid.uuid4()),
        kind="automatic-rebalance" if is_rebalance else "automatic-termination",
        promotes=decision.promotes,
        event_id=case.event_id,
        besides=decision.besides,
        instance_type=row["instance_type"],
        region=row["region"],
        pools=pools,
        allows_ondemand=True,
        protocol=protocol,
        executor_instance_id=launcher if is_native else None,
        is_handed_out=is_handed_out,
        is_foreign=case.launcher_instance_id is not None,
        priority=Priority.ENGINE_URGENT if is_rebalance else Priority.EMERGENCY,
        created_by="system",
        expected_epoch=row["epoch"],
    )


def _asker(case: Case) -> str:
    return case.launcher_instance_id or case.subject_id


def _protocol_of(session: Session, case: Case, launcher: str | None) -> int:
    """Return what the launching instance speaks; a rescuer belongs to another agent of ours."""
    if launcher == case.subject_id:
        return int(case.row["protocol"])
    if case.launcher_instance_id is not None:
        return NATIVE_PROTOCOL
    found = instances.find_instance(session, case.client_id, case.agent_id, launcher or "")
    return int(found["protocol"]) if found else NATIVE_PROTOCOL


def _launches(session: Session, case: Case, now: datetime) -> Launches:
    found = interruptions.find_launches(
        session,
        client_id=case.client_id,
        agent_id=case.agent_id,
        since=now - BUDGET_WINDOW,
    )
    return Launches(
        of_agent=found["of_agent"],
        of_client=found["of_client"],
        fleet_size=found["fleet_size"],
    )
