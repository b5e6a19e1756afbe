"""Registration: who is this instance to its agent?

The decision is pure (``domain.fencing``); this service reads the snapshot that it is made on and
applies it by compare-and-set on the agent's epoch, again when somebody else was faster.
"""

import logging
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.agent_config import AgentConfig, config_from
from backend.domain.fencing import (
    AgentView,
    InstanceView,
    OpenSwitch,
    RegistrationDecision,
    Role,
    decide_registration,
    is_silent,
)
from backend.domain.fencing import Registration as RegistrationMessage
from backend.domain.modes import Mode
from backend.domain.pools import parse_pool_name
from backend.domain.replica_claims import ClaimVerdict, ReplicaClaim
from backend.domain.switches import SwitchStatus
from backend.errors import Conflict
from backend.repositories import agents, instances, registrations, switches
from backend.services.replica_claims import Newcomer, ReplicaClaims
from backend.services.silence_watch import silence_counts

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # compare-and-set rounds; each lost round means that somebody else made progress
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRequest:
    """What an instance says of itself. ``unknown`` stands for facts that it could not find out."""

    logical_agent_id: str
    instance_id: str
    instance_type: str
    region: str
    az: str
    mode: Mode
    protocol: int
    az_id: str | None = None
    account_id: str | None = None
    ami_id: str | None = None
    hostname: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    agent_version: str | None = None
    command_id: str | None = None
    replica_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The answer to a registration."""

    agent_id: str
    role: Role
    epoch: int
    reason: str
    config: AgentConfig


class Registration:
    """Registers instances. Idempotent: the same instance may register any number of times."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, claims: ReplicaClaims
    ) -> None:
        self._database = database
        self._clock = clock
        self._silence = settings.heartbeat_timeout
        self._claims = claims

    def register(self, client_id: str, request: RegistrationRequest) -> Registered:
        """Decide the instance's role and write it down.

        A replica that was chosen to take over does so here.

        Raises:
            Conflict: the agent kept changing while this registration was decided.
        """
        for _ in range(ATTEMPTS):
            attempt = self._database.run(
                "register_agent", lambda session: self._attempt(session, client_id, request)
            )
            if attempt is not None:
                return self._settled(client_id, request, *attempt)
        raise Conflict("The agent is changing too fast; register again", retry_after_seconds=1)

    def _settled(
        self,
        client_id: str,
        request: RegistrationRequest,
        registered: Registered,
        claim: ReplicaClaim | None,
    ) -> Registered:
        if claim is None:
            return registered
        promoted = self._claims.settle(client_id, registered.agent_id, _newcomer_of(request), claim)
        if promoted is None or promoted.new_instance_id != request.instance_id:
            return registered
        return replace(
            registered, role=Role.PRIMARY, epoch=promoted.epoch, reason="replica_promoted"
        )

    def _attempt(
        self, session: Session, client_id: str, request: RegistrationRequest
    ) -> tuple[Registered, ReplicaClaim | None] | None:
        now = self._clock.now()
        agent = agents.find_agent_by_logical_id(session, client_id, request.logical_agent_id)
        view = self._view(session, agent, request, now)
        claim = self._claim(session, view, request)
        message = _message_of(request, claim)
        decision = decide_registration(view, message, now=now, silence=self._silence)
        agent_id = view.agent_id if view else str(uuid.uuid4())
        params = _parameters(client_id, agent_id, view, request, decision, now)
        params["expected_instances"] = agent["instance_count"] if agent else 0
        if not registrations.apply_registration(session, params):
            return None
        _log(agent_id, request, decision)
        config = agents.find_agent_config(session, client_id, agent_id, None)
        if config is None:
            return None
        stored = config_from(config)
        epoch = (view.epoch if view else 0) + int(decision.takes_primary)
        registered = Registered(
            agent_id=agent_id,
            role=decision.role,
            epoch=epoch,
            reason=decision.reason,
            config=stored if decision.enabled is None else replace(stored, enabled=False),
        )
        return registered, claim

    def _claim(
        self, session: Session, view: AgentView | None, request: RegistrationRequest
    ) -> ReplicaClaim | None:
        if view is None or view.deleted:
            return None
        is_known = view.known is not None or view.identity_conflict
        return self._claims.find(session, view.agent_id, _newcomer_of(request), is_known=is_known)

    def _view(
        self, session: Session, agent: Row | None, request: RegistrationRequest, now: datetime
    ) -> AgentView | None:
        if agent is None:
            return None
        view = agent_view(session, agent, request.instance_id, now=now, silence=self._silence)
        return braked(session, view, now=now, silence=self._silence)


def agent_view(
    session: Session, agent: Row, instance_id: str | None, *, now: datetime, silence: timedelta
) -> AgentView:
    """Read the snapshot of an agent that fencing decides on.

    Args:
        session: Any session.
        agent: A row with id, epoch, status and identity_conflict_at.
        instance_id: The instance that asks, whatever its role; None for nobody in particular.
        now: The present.
        silence: A candidate that was not heard for so long is no candidate any more.
    """
    rows = instances.list_living_instances(session, agent["id"], instance_id)
    views = {row["instance_id"]: _instance_view(row) for row in rows}
    primary = next((v for v in views.values() if v.role is Role.PRIMARY), None)
    return AgentView(
        agent_id=agent["id"],
        epoch=agent["epoch"],
        deleted=agent["status"] == "deleted",
        identity_conflict=agent["identity_conflict_at"] is not None,
        primary=primary,
        known=views.get(instance_id) if instance_id else None,
        open_switch=_open_switch(switches.find_open_switch(session, agent["id"])),
        candidates=tuple(
            view.instance_id
            for view in views.values()
            if view.role is Role.CANDIDATE
            and not view.terminated
            and not is_silent(view, now=now, silence=silence)
        ),
    )


def braked(session: Session, view: AgentView, *, now: datetime, silence: timedelta) -> AgentView:
    """Return the view with silence not counting where it proves nothing (``silence_watch``).

    Looked up only where it matters: a silent primary.
    """
    primary = view.primary
    if primary is None or primary.terminated or not is_silent(primary, now=now, silence=silence):
        return view
    return replace(view, counts_silence=silence_counts(session, now=now, timeout=silence))


def _instance_view(row: Row) -> InstanceView:
    return InstanceView(
        instance_id=row["instance_id"],
        role=Role(row["role"]),
        instance_type=row["instance_type"],
        az=row["az"],
        last_seen_at=row["last_seen_at"],
        terminated=row["terminated_at"] is not None,
        role_changed_at=row["role_changed_at"],
    )


def _open_switch(row: Row | None) -> OpenSwitch | None:
    if row is None:
        return None
    pool = parse_pool_name(row["new_pool_id"]) if row["new_pool_id"] else None
    return OpenSwitch(
        id=row["id"],
        command_id=row["command_id"],
        status=SwitchStatus(row["status"]),
        target_mode=Mode(row["new_mode"]) if row["new_mode"] else None,
        target_type=pool.instance_type if pool else row["new_instance_type"],
        target_az=pool.az if pool else row["new_az"],
        new_instance_id=row["new_instance_id"],
        old_instance_id=row["old_instance_id"],
        holder_protocol=row["lease_protocol"],
        acknowledged=row["command_status"] == "completed",
    )


def _newcomer_of(request: RegistrationRequest) -> Newcomer:
    return Newcomer(
        instance_id=request.instance_id,
        instance_type=request.instance_type,
        az=request.az,
        mode=request.mode,
        protocol=request.protocol,
        replica_id=request.replica_id,
    )


def _message_of(request: RegistrationRequest, claim: ReplicaClaim | None) -> RegistrationMessage:
    is_bound = claim is not None and claim.verdict is ClaimVerdict.BOUND
    return RegistrationMessage(
        instance_id=request.instance_id,
        instance_type=request.instance_type,
        az=request.az,
        mode=request.mode,
        protocol=request.protocol,
        command_id=request.command_id,
        replica_id=claim.replica.id if claim and is_bound else None,
        is_retired_replica=claim is not None and claim.verdict is ClaimVerdict.ENDED,
    )


def _parameters(
    client_id: str,
    agent_id: str,
    view: AgentView | None,
    request: RegistrationRequest,
    decision: RegistrationDecision,
    now: datetime,
) -> dict[str, object]:
    event_type, severity, message = _event_of(request, decision)
    unexplained_take_over = decision.takes_primary and not decision.binds_switch_id
    is_complete = UNKNOWN not in (request.instance_type, request.az, request.mode)
    return {
        "now": now,
        "client_id": client_id,
        "agent_id": agent_id,
        "logical_agent_id": request.logical_agent_id,
        "expected_epoch": view.epoch if view else 0,
        "creates_agent": decision.creates_agent,
        "revives_agent": decision.revives_agent,
        "takes_primary": decision.takes_primary,
        "raises_conflict": decision.raises_conflict,
        "switch_id": decision.binds_switch_id,
        "completes_switch": decision.completes_switch,
        "new_switch_id": str(uuid.uuid4()) if unexplained_take_over else None,
        "role": decision.role,
        "role_reason": decision.reason,
        "instance_id": request.instance_id,
        "protocol": request.protocol,
        "is_steady": is_complete,
        "mode": request.mode,
        "instance_type": request.instance_type,
        "region": request.region,
        "az": request.az,
        "az_id": request.az_id,
        "account_id": request.account_id,
        "ami_id": request.ami_id,
        "hostname": request.hostname,
        "private_ip": request.private_ip,
        "public_ip": request.public_ip,
        "agent_version": request.agent_version,
        "event_type": event_type,
        "severity": severity,
        "message": message,
        "notifies": decision.reason not in _QUIET_REASONS,
    }


_QUIET_REASONS = frozenset(
    {
        "refresh",
        "known_replica",
        "replica_launch_tag",
        "replica_retired",
        "superseded",
        "switch_launch_tag",
    }
)


def _event_of(request: RegistrationRequest, decision: RegistrationDecision) -> tuple[str, str, str]:
    name, instance = request.logical_agent_id, request.instance_id
    if decision.raises_conflict:
        return (
            "identity_conflict",
            "error",
            f"Several unknown instances claim to be {name} (now {instance}): "
            "automatic take-over stops until an operator decides",
        )
    if decision.role is Role.CANDIDATE:
        return (
            "candidate_registered",
            "warning",
            f"{instance} claims to be {name} while its primary lives: a cloned image?",
        )
    if decision.takes_primary and not decision.creates_agent:
        return "primary_replaced", "warning", f"{instance} is {name} now ({decision.reason})"
    return "agent_registered", "info", f"{instance} registered as {decision.role} of {name}"


def _log(agent_id: str, request: RegistrationRequest, decision: RegistrationDecision) -> None:
    logger.info(
        "Instance %s registered as %s (%s)",
        request.instance_id,
        decision.role,
        decision.reason,
        extra={
            "action": "instance_registered",
            "agent_id": agent_id,
            "instance_id": request.instance_id,
            "role": str(decision.role),
            "reason": decision.reason,
        },
    )
