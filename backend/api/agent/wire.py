"""Rows as agents and their owners read them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from backend.domain.modes import Mode
from backend.domain.pools import pool_of

Row = Mapping[str, Any]


def command_to_wire(row: Row) -> dict[str, Any]:
    """Return a command with the recorded names: string id, integer priority and wait."""
    payload = row["payload"]
    return {
        "id": row["id"],
        "command_type": row["command_type"],
        "instance_id": row["instance_id"],
        "target_mode": row["target_mode"],
        "target_pool_id": row["target_pool_id"],
        "priority": row["priority"],
        "terminate_wait_seconds": row["terminate_wait_seconds"],
        "reason": row["reason"],
        "payload": orjson.loads(payload) if payload else None,
        "created_at": row["created_at"],
        "lease_expires_at": row["lease_expires_at"],
    }


def agent_to_wire(row: Row) -> dict[str, Any]:
    """Return an agent with its primary's state, in the names that installed dashboards read."""
    mode = row["mode"]
    pool = pool_of(row["instance_type"], row["az"], Mode(mode)) if mode else None
    return {
        "id": row["id"],
        "client_id": row["client_id"],
        "logical_agent_id": row["logical_agent_id"],
        "hostname": row["hostname"],
        "status": _status(row),
        "instance_id": row["primary_instance_id"],
        "epoch": row["epoch"],
        "instance_type": row["instance_type"],
        "region": row["region"],
        "az": row["az"],
        "current_mode": mode or Mode.UNKNOWN,
        "current_pool_id": pool,
        "private_ip": row["private_ip"],
        "public_ip": row["public_ip"],
        "agent_version": row["agent_version"],
        "protocol": row["protocol"],
        "spot_price": _number(row["spot_price_usd_per_hour"]),
        "ondemand_price": _number(row["ondemand_price_usd_per_hour"]),
        "last_heartbeat_at": row["last_seen_at"],
        "last_switch_at": row["last_switch_at"],
        "created_at": row["created_at"],
        "enabled": bool(row["enabled"]),
        "auto_switch_enabled": bool(row["auto_switch_enabled"]),
        "auto_terminate_enabled": bool(row["auto_terminate_enabled"]),
        "manual_replica_enabled": bool(row["manual_replica_enabled"]),
        "terminate_wait_seconds": row["terminate_wait_seconds"],
        "replica_count": row["replica_count"],
    }


def _status(row: Row) -> str:
    """Return one of deleted, offline, disabled, switching, online, the most telling first."""
    if row["status"] != "online":
        return str(row["status"])
    if not row["enabled"]:
        return "disabled"
    return "switching" if row["open_switch_status"] else "online"


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
