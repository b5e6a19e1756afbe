"""The bodies that agents of protocol 5 send, made of what the region knows."""

from datetime import datetime
from typing import Any

from simulator.region.catalog import ACCOUNT_ID
from simulator.region.model import Instance
from simulator.region.region import Region

PROTOCOL = 5
VERSION = "5.0.0"
LAUNCH_TAGS = ("ClientId", "LogicalAgentId", "CommandId", "ReplicaId")


def registration(region: Region, instance: Instance, logical_agent_id: str) -> dict[str, Any]:
    """Return who this is."""
    wish = instance.wish
    return {
        "instance_id": instance.instance_id,
        "logical_agent_id": logical_agent_id,
        "hostname": f"ip-{instance.private_ip.replace('.', '-')}",
        "instance_type": wish.instance_type,
        "region": region.catalog.region,
        "az": wish.az,
        "az_id": region.catalog.zone_id(wish.az),
        "account_id": ACCOUNT_ID,
        "ami_id": wish.image_id,
        "mode": str(wish.lifecycle),
        "agent_version": VERSION,
        "private_ip": instance.private_ip,
        "protocol": PROTOCOL,
        "launch_tags": {name: instance.tags[name] for name in LAUNCH_TAGS if name in instance.tags},
    }


def sync(instance: Instance, config_version: int | None, commands: list[str]) -> dict[str, Any]:
    """Return the beat."""
    return {
        "instance_id": instance.instance_id,
        "config_version": config_version,
        "cpu_percent": 12.5,
        "memory_percent": 40.0,
        "disk_percent": 20.0,
        "commands": commands,
    }


def interruption(instance: Instance, signal: str, detected_at: datetime) -> dict[str, Any]:
    """Return the notice as the instance metadata shows it."""
    is_termination = signal == "termination-notice"
    instant = instance.deadline if is_termination else instance.rebalance_at
    return {
        "instance_id": instance.instance_id,
        "signal": signal,
        "notice_time": instant.replace(microsecond=0).isoformat() if instant else None,
        "action": "terminate" if is_termination else None,
        "detected_at": detected_at.isoformat(),
        "is_drill": False,
    }


def prices(region: Region, instance: Instance) -> dict[str, Any]:
    """Return a price report about the pools of the instance's own type."""
    name, now = instance.wish.instance_type, region.clock.now()
    with region.lock:
        region.market.advance(now)
        quotes = {
            pool.az: region.market.prices(pool).at(now)
            for pool in region.market.pools
            if pool.instance_type == name
        }
    spot = {az: float(price) for az, price in quotes.items() if price is not None}
    cheapest = min(spot, key=lambda az: (spot[az], az))
    return {
        "instance": {
            "instance_id": instance.instance_id,
            "instance_type": name,
            "region": region.catalog.region,
            "az": instance.wish.az,
            "mode": str(instance.wish.lifecycle),
            "pool_id": str(instance.pool) if instance.is_spot else None,
        },
        "pricing": {
            "on_demand_price": float(region.catalog.ondemand[name]),
            "on_demand_source": "price_list",
            "current_spot_price": spot.get(instance.wish.az),
            "cheapest_pool": {"pool_id": f"{name}.{cheapest}", "price": spot[cheapest]},
            "spot_pools": [
                {"pool_id": f"{name}.{az}", "instance_type": name, "az": az, "price": price}
                for az, price in sorted(spot.items())
            ],
            "collected_at": now.isoformat(),
            "az_ids": {az: region.catalog.zone_id(az) for az in spot},
        },
    }


def launch_spec(region: Region, instance: Instance) -> dict[str, Any]:
    """Return what a copy of the instance needs."""
    wish, catalog = instance.wish, region.catalog
    vpc_id = catalog.subnets[wish.subnet_id].vpc_id
    return {
        "spec": {
            "ami_id": wish.image_id,
            "instance_type": wish.instance_type,
            "region": catalog.region,
            "az": wish.az,
            "platform": "Linux/UNIX",
            "vpc_id": vpc_id,
            "subnets": {az: catalog.subnet_in(vpc_id, az).subnet_id for az in catalog.zones},
            "security_group_ids": list(wish.group_ids),
            "iam_instance_profile_arn": wish.profile_arn,
            "key_name": wish.key_name,
            "user_data": "",
            "block_devices": [],
            "tags": {},
            "metadata_options": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            "is_monitored": False,
            "ebs_optimized": False,
            "tenancy": "default",
        }
    }
