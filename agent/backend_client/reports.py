"""The bodies that the agent sends: also what installed backends can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from agent import PROTOCOL, VERSION
from agent.identity import Identity


def registration_body(identity: Identity) -> dict[str, Any]:
    """Return the registration; facts that are not known are left out, never invented."""
    facts = {
        "instance_id": identity.instance_id,
        "logical_agent_id": identity.logical_agent_id,
        "hostname": identity.hostname,
        "instance_type": identity.instance_type,
        "region": identity.region,
        "az": identity.az,
        "az_id": identity.az_id,
        "account_id": identity.account_id,
        "ami_id": identity.ami_id,
        "mode": identity.mode,
        "agent_version": VERSION,
        "private_ip": identity.private_ip,
        "public_ip": identity.public_ip,
        "protocol": PROTOCOL,
        "launch_tags": identity.launch_tags,
    }
    return {name: value for name, value in facts.items() if value is not None}


def pricing_body(
    identity: Identity,
    spot: Mapping[str, Decimal],
    ondemand: Decimal | None,
    az_ids: Mapping[str, str],
    collected_at: datetime,
) -> dict[str, Any]:
    """Return a price report; ``spot`` is USD an hour by AZ, of this instance's own type."""
    pools = [
        {
            "pool_id": f"{identity.instance_type}.{az}",
            "instance_type": identity.instance_type,
            "az": az,
            "price": float(price),
        }
        for az, price in sorted(spot.items())
    ]
    cheapest = min(spot, key=lambda az: (spot[az], az), default=None)
    is_spot = identity.mode == "spot"
    return {
        "instance": {
            "instance_id": identity.instance_id,
            "instance_type": identity.instance_type,
            "region": identity.region,
            "az": identity.az,
            "mode": identity.mode,
            "pool_id": identity.pool_id if is_spot else None,
        },
        "pricing": {
            "on_demand_price": price_or_none(ondemand),
            "on_demand_source": "unknown" if ondemand is None else "price_list",
            "current_spot_price": price_or_none(spot.get(identity.az)),
            "cheapest_pool": None
            if cheapest is None
            else {
                "pool_id": f"{identity.instance_type}.{cheapest}",
                "price": float(spot[cheapest]),
            },
            "spot_pools": pools,
            "collected_at": collected_at.isoformat(),
            "az_ids": dict(az_ids),
        },
    }


def switch_report_body(
    *,
    command_id: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    prices: Mapping[str, float | None],
    timing: Mapping[str, str],
    priority: int,
) -> dict[str, Any]:
    """Return a switch report under the names of every backend, present and past.

    ``timing`` has the short names ``initiated_at``, ``instance_launched_at``,
    ``instance_ready_at``; installed backends know two of them under longer ones.
    """
    known = {name: value for name, value in prices.items() if value is not None}
    long_names = {
        "switch_initiated_at": timing["initiated_at"],
        "new_instance_launched_at": timing["instance_launched_at"],
        "new_instance_ready_at": timing["instance_ready_at"],
    }
    return {
        "command_id": command_id,
        "old_instance": dict(old),
        "new_instance": dict(new),
        "snapshot": {"used": False},
        "prices": known,
        "pricing": known,
        "timing": {**timing, **long_names},
        "trigger": "manual" if priority >= 50 else "model",  # noqa: PLR2004 - the wire's rule
    }


def interruption_body(
    instance_id: str,
    signal: str,
    time: str | None,
    action: str | None,
    detected_at: str,
    launched: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what EC2 said about an instance; ``launched`` is its replacement, once there is one."""
    return {
        "instance_id": instance_id,
        "signal": signal,
        "notice_time": time,
        "action": action,
        "detected_at": detected_at,
        "is_drill": False,
        "launched": launched,
    }


def inventory_body(instances: Sequence[Mapping[str, Any]], taken_at: datetime) -> dict[str, Any]:
    """Return the list of instances that carry this agent's tags."""
    return {"taken_at": taken_at.isoformat(), "instances": list(instances)}


def price_or_none(price: Decimal | None) -> float | None:
    """Return a price for JSON; unknown stays unknown."""
    return None if price is None else float(price)
