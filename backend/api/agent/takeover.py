"""Launches and retirements: what agents of ours (protocol 5) report around a switch."""

from typing import Any

from backend.api.agent.schemas import (
    AgentPath,
    CommandPath,
    InstancePath,
    InventoryBody,
    LaunchSpecBody,
    ProgressBody,
    TerminatedBody,
)
from backend.api.agent.senders import sender
from backend.api.blueprints import guarded_blueprint
from backend.api.context import client_id, container
from backend.api.guards import AGENT
from backend.domain.switches import SwitchStatus
from backend.errors import InvalidRequest
from backend.services.retirements import Sighting
from backend.services.switch_progress import Step

routes = guarded_blueprint("agent_takeover", guard=AGENT, url_prefix="/api/agents", tag="agent")


@routes.post("/<agent_id>/commands/<command_id>/progress", summary="How far a switch has come")
def report_progress(path: CommandPath, body: ProgressBody) -> dict[str, Any]:
    """Move an open switch forward; 409 when it is closed and the work must be undone."""
    status = container().switch_progress.advance(
        client_id(),
        path.agent_id,
        path.command_id,
        Step(
            status=SwitchStatus(body.status),
            new_instance_id=body.new_instance_id,
            pool_id=body.pool_id,
        ),
    )
    return {"success": True, "status": status}


@routes.get("/<agent_id>/instances/<instance_id>/retirement", summary="May it be ended?")
def show_retirement(path: InstancePath) -> dict[str, Any]:
    """Say whether the asking instance may end another one, at this moment."""
    found = container().retirements.judge(client_id(), path.agent_id, path.instance_id, _asker())
    return {
        "may_retire": found.verdict.may_retire,
        "reason": found.verdict.reason,
        "role": found.role,
        "epoch": found.epoch,
        "checked_at": found.checked_at,
    }


@routes.post("/<agent_id>/instances/<instance_id>/terminated", summary="It has ended")
def report_terminated(path: InstancePath, body: TerminatedBody) -> dict[str, Any]:
    """Book that an instance has ended; repeatable."""
    is_new = container().retirements.close(
        client_id(), path.agent_id, path.instance_id, body.terminated_at
    )
    return {"success": True, "repeated": not is_new}


@routes.post("/<agent_id>/inventory", summary="What runs with the agent's tags")
def report_inventory(path: AgentPath, body: InventoryBody) -> dict[str, Any]:
    """Correct the books by what really runs."""
    _asker()
    reconciled = container().retirements.reconcile(
        client_id(),
        path.agent_id,
        [
            Sighting(instance_id=s.instance_id, state=s.state, launched_at=s.launched_at)
            for s in body.instances
        ],
    )
    return {
        "success": True,
        "vanished": list(reconciled.vanished),
        "orphans": list(reconciled.orphans),
    }


@routes.put("/<agent_id>/launch-spec", summary="How to launch another one")
def save_launch_spec(path: AgentPath, body: LaunchSpecBody) -> dict[str, Any]:
    """Keep the launch spec of the agent's primary."""
    is_new = container().launch_specs.save(client_id(), path.agent_id, _asker(), body.spec)
    return {"success": True, "repeated": not is_new}


def _asker() -> str:
    instance_id = sender().instance_id
    if instance_id is None:
        raise InvalidRequest("The header X-Instance-Id is missing", field="X-Instance-Id")
    return instance_id
