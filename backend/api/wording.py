"""Rows in the names that installed dashboards read. Numbers that they format are never null."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backend.api.agent.wire import agent_to_wire
from backend.domain.agent_settings import shown_wait_minutes
from backend.domain.modes import Mode
from backend.domain.pools import pool_of

Row = Mapping[str, Any]
NO_POOL = "n/a"
_TRIGGERS = {"engine": "model"}  # the other causes are called by their own names


def number(value: Decimal | float | None) -> float:
    """Return a number that a dashboard formats: 0 when it is unknown."""
    return 0.0 if value is None else float(value)


def known(value: Decimal | float | None) -> float | None:
    """Return a number, or None when it is unknown."""
    return None if value is None else float(value)


def pool_name(row: Row) -> str | None:
    """Return the pool that an instance runs in; None on demand."""
    mode = row["mode"]
    return pool_of(row["instance_type"], row["az"], Mode(mode)) if mode else None


def status_of(row: Row) -> str:
    """Return online, offline, deleted, or switching while a switch of an online agent is open."""
    is_switching = row["status"] == "online" and row["open_switch_status"]
    return "switching" if is_switching else str(row["status"])


def client_card(row: Row) -> dict[str, Any]:
    """Return a client for operators, with what it owns."""
    return {
        "id": row["id"],
        "name": row["name"],
        "email": row["email"],
        "status": "active" if row["status"] == "active" else "inactive",
        "agentsOnline": int(row["agents_online"]),
        "agentsTotal": int(row["agents_total"]),
        "instances": int(row["instances"]),
        "totalSavings": number(row["saved_usd"]),
        "lastSync": row["last_seen_at"],
        "createdAt": row["created_at"],
    }


def agent_card(row: Row) -> dict[str, Any]:
    """Return an agent of a client, for operators."""
    return {
        "id": row["id"],
        "logicalAgentId": row["logical_agent_id"],
        "hostname": row["hostname"],
        "instanceId": row["primary_instance_id"],
        "instanceType": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "currentMode": row["mode"] or Mode.UNKNOWN,
        "currentPoolId": pool_name(row),
        "status": status_of(row),
        "lastHeartbeat": row["last_seen_at"],
        "instanceCount": row["instance_count"],
        "enabled": bool(row["enabled"]),
        "autoSwitchEnabled": bool(row["auto_switch_enabled"]),
        "manualReplicaEnabled": bool(row["manual_replica_enabled"]),
        "autoTerminateEnabled": bool(row["auto_terminate_enabled"]),
        "auto_switch_enabled": bool(row["auto_switch_enabled"]),
        "auto_terminate_enabled": bool(row["auto_terminate_enabled"]),
        "terminateWaitMinutes": shown_wait_minutes(row),
        "terminateWaitSeconds": row["terminate_wait_seconds"],
        "configVersion": row["version"],
        "agentVersion": row["agent_version"],
    }


def agent_record(row: Row) -> dict[str, Any]:
    """Return an agent of a client as its own dashboard reads it."""
    return {
        **agent_to_wire(row),
        "config_version": row["version"],
        "instance_count": row["instance_count"],
    }


def agent_past(row: Row) -> dict[str, Any]:
    """Return an agent, deleted or not, with the days of its life."""
    return {
        "id": row["id"],
        "logicalAgentId": row["logical_agent_id"],
        "instanceId": row["primary_instance_id"],
        "instanceType": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "currentMode": row["mode"] or Mode.UNKNOWN,
        "status": status_of(row),
        "enabled": bool(row["enabled"]),
        "autoSwitchEnabled": bool(row["auto_switch_enabled"]),
        "manualReplicaEnabled": bool(row["manual_replica_enabled"]),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "lastHeartbeat": row["last_seen_at"],
        "installedAt": row["launched_at"] or row["first_seen_at"],
        "terminatedAt": row["terminated_at"] or row["deleted_at"],
    }


def agent_of_fleet(row: Row) -> dict[str, Any]:
    """Return an agent of any client, for operators."""
    return {
        "id": row["id"],
        "logicalAgentId": row["logical_agent_id"],
        "hostname": row["hostname"],
        "clientId": row["client_id"],
        "clientName": row["client_name"],
        "instanceId": row["primary_instance_id"],
        "instanceType": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "currentMode": row["mode"],
        "currentPoolId": pool_name(row),
        "status": status_of(row),
        "enabled": bool(row["enabled"]),
        "autoSwitchEnabled": bool(row["auto_switch_enabled"]),
        "version": row["agent_version"],
        "agentVersion": row["agent_version"],
        "lastHeartbeatAt": row["last_seen_at"],
        "lastHeartbeat": row["last_seen_at"],
        "instanceCount": row["instance_count"],
        "createdAt": row["created_at"],
    }


def instance_card(row: Row) -> dict[str, Any]:
    """Return an instance of a client, for operators."""
    return {
        "id": row["instance_id"],
        "type": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "mode": row["mode"],
        "poolId": pool_name(row) or NO_POOL,
        "spotPrice": number(row["spot_price_usd_per_hour"]),
        "onDemandPrice": number(row["ondemand_price_usd_per_hour"]),
        "isActive": bool(row["is_active"]),
        "lastSwitch": row["last_switch_at"],
        "agentId": row["agent_id"],
        "role": row["role"],
    }


def instance_record(row: Row) -> dict[str, Any]:
    """Return an instance of a client as its own dashboard reads it."""
    return {
        "id": row["instance_id"],
        "agent_id": row["agent_id"],
        "instance_type": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "current_mode": row["mode"],
        "current_pool_id": pool_name(row),
        "role": row["role"],
        "spot_price": number(row["spot_price_usd_per_hour"]),
        "ondemand_price": number(row["ondemand_price_usd_per_hour"]),
        "is_active": bool(row["is_active"]),
        "installed_at": row["began_at"],
        "last_switch_at": row["last_switch_at"],
    }


def instance_of_fleet(row: Row) -> dict[str, Any]:
    """Return an instance of any client, for operators."""
    ondemand = known(row["ondemand_price_usd_per_hour"])
    return {
        "id": row["instance_id"],
        "instanceId": row["instance_id"],
        "clientId": row["client_id"],
        "clientName": row["client_name"],
        "agentId": row["agent_id"],
        "region": row["region"],
        "az": row["az"],
        "instanceType": row["instance_type"],
        "type": row["instance_type"],
        "currentMode": row["mode"],
        "mode": row["mode"],
        "currentPoolId": pool_name(row),
        "spotPrice": known(row["spot_price_usd_per_hour"]),
        "ondemandPrice": ondemand,
        "onDemandPrice": ondemand,
        "isActive": bool(row["is_active"]),
        "role": row["role"],
        "installedAt": row["launched_at"] or row["first_seen_at"],
        "createdAt": row["began_at"],
        "logicalAgentId": row["logical_agent_id"],
        "agentStatus": row["agent_status"],
    }


def switch_card(row: Row) -> dict[str, Any]:
    """Return a switch, for operators."""
    new_price = (
        row["new_spot_price_usd_per_hour"]
        if row["new_mode"] == Mode.SPOT
        else row["ondemand_price_usd_per_hour"]
    )
    return {
        "id": row["switch_id"],
        "agentId": row["agent_id"],
        "instanceId": row["new_instance_id"],
        "oldInstanceId": row["old_instance_id"],
        "newInstanceId": row["new_instance_id"],
        "timestamp": (
            row["launched_at"]
            or row["image_created_at"]
            or row["initiated_at"]
            or row["requested_at"]
        ),
        "fromMode": row["old_mode"],
        "toMode": row["new_mode"],
        "fromPool": row["old_pool_id"] or NO_POOL,
        "toPool": row["new_pool_id"] or NO_POOL,
        "trigger": trigger_of(row),
        "status": row["status"],
        "price": number(new_price),
        "savingsImpact": number(row["savings_impact_usd_per_hour"]),
    }


def switch_record(row: Row) -> dict[str, Any]:
    """Return a switch as the client's own dashboard reads it."""
    return {
        "id": row["switch_id"],
        "agent_id": row["agent_id"],
        "initiated_at": row["initiated_at"] or row["requested_at"],
        "completed_at": row["ended_at"],
        "old_instance_id": row["old_instance_id"],
        "old_mode": row["old_mode"],
        "old_az": row["old_az"],
        "new_instance_id": row["new_instance_id"],
        "new_mode": row["new_mode"],
        "new_az": row["new_az"],
        "trigger_type": trigger_of(row),
        "status": row["status"],
        "savings_impact": number(row["savings_impact_usd_per_hour"]),
    }


def trigger_of(row: Row) -> str:
    """Return who wanted a switch: manual, model, or the event that forced it."""
    return _TRIGGERS.get(row["cause"], str(row["cause"]))
