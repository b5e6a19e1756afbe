"""Registration, heartbeat, settings, sync, clean-up: the life of an agent."""

from decimal import Decimal
from typing import Any

from backend.api.agent.schemas import (
    UNKNOWN,
    AgentPath,
    CleanupPart,
    CleanupReportBody,
    HeartbeatBody,
    RegisterBody,
    SyncBody,
)
from backend.api.agent.senders import sender
from backend.api.agent.wire import command_to_wire
from backend.api.blueprints import guarded_blueprint
from backend.api.context import client_id, container
from backend.api.guards import AGENT
from backend.domain.agent_config import to_wire
from backend.domain.modes import Mode
from backend.errors import InvalidRequest
from backend.services.agent_sync import Vitals
from backend.services.cleanup_reports import CleanupReport
from backend.services.presence import Heartbeat
from backend.services.registration import RegistrationRequest

routes = guarded_blueprint("agent", guard=AGENT, url_prefix="/api/agents")


@routes.post("/register", summary="Say who you are, learn what you are")
def register(body: RegisterBody) -> dict[str, Any]:
    """Register an instance; any number of times."""
    tenant = client_id()
    sender(body_instance_id=body.instance_id)
    registered = container().registration.register(tenant, _request_of(body, tenant))
    return {
        "success": True,
        "agent_id": registered.agent_id,
        "client_id": tenant,
        "role": registered.role,
        "epoch": registered.epoch,
        "reason": registered.reason,
        "config": to_wire(registered.config),
    }


def _request_of(body: RegisterBody, tenant: str) -> RegistrationRequest:
    tags = body.launch_tags
    is_ours = tags.ClientId in (None, tenant)
    logical_agent_id = body.logical_agent_id or body.instance_id
    return RegistrationRequest(
        logical_agent_id=logical_agent_id,
        instance_id=body.instance_id,
        instance_type=body.instance_type or UNKNOWN,
        region=body.region or UNKNOWN,
        az=body.az or UNKNOWN,
        mode=body.mode,
        protocol=body.protocol,
        az_id=body.az_id,
        account_id=body.account_id,
        ami_id=body.ami_id,
        hostname=body.hostname,
        private_ip=body.private_ip,
        public_ip=body.public_ip,
        agent_version=body.agent_version,
        command_id=tags.CommandId if is_ours else None,
        replica_id=tags.ReplicaId if is_ours else None,
    )


@routes.post("/<agent_id>/heartbeat", summary="A sign of life")
def heartbeat(path: AgentPath, body: HeartbeatBody) -> dict[str, Any]:
    """Record a sign of life; ``success`` false when it does not count, and why."""
    beat = container().presence.beat(
        client_id(),
        path.agent_id,
        Heartbeat(
            sender=sender(
                body_instance_id=body.instance_id,
                monitored_instances=body.monitored_instances or (),
            ),
            status=body.status,
            mode=body.mode if body.mode is not Mode.UNKNOWN else None,
            instance_type=body.instance_type,
            az=body.az,
        ),
    )
    return {"success": True} if beat.accepted else {"success": False, "code": beat.code}


@routes.get("/<agent_id>/config", summary="The agent's settings")
def show_config(path: AgentPath) -> dict[str, Any]:
    """Answer the settings as they hold for the asking instance."""
    return to_wire(container().agent_configs.get(client_id(), path.agent_id, sender().instance_id))


@routes.get("/<agent_id>/replica-config", summary="How many replicas the agent keeps")
def show_replica_config(path: AgentPath) -> dict[str, Any]:
    """Answer ``enabled`` and ``count``."""
    config = container().agent_configs.get(client_id(), path.agent_id, sender().instance_id)
    return {"enabled": config.replica_enabled, "count": config.replica_count}


@routes.post("/<agent_id>/sync", summary="Everything in one round trip (protocol 5)")
def sync(path: AgentPath, body: SyncBody) -> dict[str, Any]:
    """Note a sign of life; answer role, epoch, changed settings and commands."""
    named = sender(body_instance_id=body.instance_id)
    if not named.is_native:
        raise InvalidRequest("The header X-Instance-Id is missing", field="X-Instance-Id")
    synced = container().agent_sync.sync(
        client_id(),
        path.agent_id,
        body.instance_id,
        Vitals(
            cpu_percent=_percent(body.cpu_percent),
            memory_percent=_percent(body.memory_percent),
            disk_percent=_percent(body.disk_percent),
        ),
    )
    config = synced.config
    specs = container().launch_specs
    is_known = body.config_version == config.version and config.enabled
    return {
        "role": synced.role,
        "epoch": synced.epoch,
        "primary_instance_id": synced.primary_instance_id,
        "enabled": config.enabled,
        "config_version": config.version,
        "config": None if is_known else to_wire(config),
        "commands": [command_to_wire(specs.reveal(row)) for row in synced.commands],
        "emergency_plan": synced.emergency_plan,
        "server_time": container().clock.now(),
    }


def _percent(value: float | None) -> Decimal | None:
    return None if value is None else round(Decimal(str(value)), 2)


@routes.post("/<agent_id>/cleanup-report", summary="What a clean-up removed")
def cleanup_report(path: AgentPath, body: CleanupReportBody) -> dict[str, Any]:
    """Keep a clean-up report."""
    snapshots, images = body.snapshots or CleanupPart(), body.amis or CleanupPart()
    deleted_snapshots = [*(snapshots.deleted or []), *(images.deleted_snapshots or [])]
    report = CleanupReport(
        executed_at=body.timestamp,
        deleted_snapshot_count=len(deleted_snapshots),
        deleted_image_count=len(images.deleted_amis or []),
        failed_count=len(snapshots.failed or []) + len(images.failed or []),
        errors=tuple(part.error for part in (snapshots, images) if part.error),
        text=body.model_dump_json(exclude_none=True),
    )
    container().cleanup_reports.record(client_id(), path.agent_id, report)
    return {
        "success": True,
        "message": "Clean-up recorded",
        "deleted_snapshots": report.deleted_snapshot_count,
        "deleted_amis": report.deleted_image_count,
        "failed_count": report.failed_count,
    }
