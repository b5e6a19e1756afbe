"""Commands, prices, switches: the work of an agent."""

from typing import Any

from backend.api.agent.schemas import (
    UNKNOWN,
    AgentPath,
    CommandPath,
    ExecutedBody,
    MachineBody,
    MarkExecutedBody,
    PricingBody,
    PricingReportBody,
    SwitchReportBody,
)
from backend.api.agent.senders import sender
from backend.api.agent.wire import command_to_wire
from backend.api.blueprints import guarded_blueprint
from backend.api.context import client_id, container
from backend.api.guards import AGENT
from backend.domain.modes import Mode
from backend.errors import IllegalTransition
from backend.services.price_reports import PriceReport
from backend.services.switch_reports import Machine, SwitchReport

routes = guarded_blueprint("agent_work", guard=AGENT, url_prefix="/api/agents", tag="agent")


@routes.get("/<agent_id>/pending-commands", summary="What to do now")
def pending_commands(path: AgentPath) -> list[dict[str, Any]]:
    """Lease commands to the caller and answer them, the most urgent first."""
    leased = container().command_queue.lease(client_id(), path.agent_id, sender())
    specs = container().launch_specs
    return [command_to_wire(specs.reveal(row)) for row in leased]


@routes.post("/<agent_id>/commands/<command_id>/executed", summary="How a command ended")
def executed(path: CommandPath, body: ExecutedBody) -> dict[str, Any]:
    """Record how a command ended; repeatable."""
    return _acknowledge(path.agent_id, path.command_id, success=body.success, message=body.message)


@routes.post("/<agent_id>/mark-command-executed", summary="How a command ended (agents 3.2.0)")
def mark_command_executed(path: AgentPath, body: MarkExecutedBody) -> dict[str, Any]:
    """Record that a command was executed; repeatable."""
    return _acknowledge(path.agent_id, body.command_id, success=body.success, message=body.message)


def _acknowledge(
    agent_id: str, command_id: str, *, success: bool, message: str | None
) -> dict[str, Any]:
    try:
        status = container().command_queue.acknowledge(
            client_id(), agent_id, command_id, success=success, message=message or ""
        )
    except IllegalTransition as error:
        if sender().is_native:
            raise
        # Installed agents cannot read the body of an error.
        return {"success": False, "error": error.message, "code": error.code}
    return {"success": True, "command_id": command_id, "status": status}


@routes.post("/<agent_id>/pricing-report", summary="What the market costs")
def pricing_report(path: AgentPath, body: PricingReportBody) -> dict[str, Any]:
    """Keep the good entries of a price report and name the others."""
    sender(body_instance_id=body.instance.instance_id)
    receipt = container().price_reports.record(client_id(), path.agent_id, _price_report_of(body))
    return {
        "success": True,
        "accepted": receipt.accepted,
        "refused": [
            {"pool_id": entry.pool_id, "field": entry.field, "reason": entry.reason}
            for entry in receipt.refused
        ],
        "repeated": receipt.is_repeat,
    }


def _price_report_of(body: PricingReportBody) -> PriceReport:
    pricing = body.pricing or PricingBody()
    ondemand = pricing.on_demand_price
    if ondemand is None and body.on_demand_price is not None:
        ondemand = body.on_demand_price.price
    entries = pricing.spot_pools or body.spot_pools or []
    instance = body.instance
    mode = instance.mode if instance.mode is not Mode.UNKNOWN else instance.current_mode
    return PriceReport(
        instance_id=instance.instance_id,
        instance_type=instance.instance_type or UNKNOWN,
        region=instance.region or UNKNOWN,
        az=instance.az or UNKNOWN,
        mode=mode,
        ondemand_price=ondemand,
        ondemand_source=pricing.on_demand_source or "agent",
        spot_price=pricing.current_spot_price,
        entries=entries,
        observed_at=pricing.collected_at,
        az_ids=pricing.az_ids or {},
    )


@routes.post("/<agent_id>/switch-report", summary="A switch was made")
def switch_report(path: AgentPath, body: SwitchReportBody) -> dict[str, Any]:
    """Write a switch down; repeatable."""
    snapshot = body.snapshot
    recorded = container().switch_reports.record(
        client_id(),
        path.agent_id,
        SwitchReport(
            old=_machine(body.old_instance),
            new=_machine(body.new_instance),
            trigger=body.trigger,
            command_id=body.command_id,
            image_id=snapshot.ami_id if snapshot else None,
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            sections={
                "timing": body.timing,
                "prices": body.prices,
                "pricing": body.pricing,
            },
        ),
    )
    return {
        "success": True,
        "switch_id": recorded.switch_id,
        "is_primary_moved": recorded.moved_primary,
        "reason": recorded.reason,
    }


def _machine(body: MachineBody) -> Machine:
    return Machine(
        instance_id=body.instance_id,
        instance_type=body.instance_type or UNKNOWN,
        region=body.region or UNKNOWN,
        az=body.az or UNKNOWN,
        mode=body.mode,
        ami_id=body.ami_id,
    )
