"""The world as JSON: what the control API answers, and what drills compare."""

from typing import Any

from simulator.region.model import Instance, Lifecycle
from simulator.world import OPERATOR, World


def instance_view(world: World, instance: Instance) -> dict[str, Any]:
    """Return one instance: what it is, in which state, who made it and what it was told."""
    now = world.clock.now()
    return {
        "instance_id": instance.instance_id,
        "state": instance.state(now),
        "pool": str(instance.pool),
        "mode": instance.wish.lifecycle,
        "image_id": instance.wish.image_id,
        "launched_at": _text(instance.launched_at),
        "launched_by": instance.wish.caller,
        "ended_at": _text(instance.ended_at),
        "end_cause": instance.end_cause,
        "ended_by": instance.ended_by,
        "rebalance_at": _text(instance.rebalance_at),
        "notice_at": _text(instance.notice_at),
        "deadline": _text(instance.deadline),
        "agent_pid": world.machines.pid(instance.instance_id),
        "agent_starts": world.machines.start_count(instance.instance_id),
        "logs": str(world.disks.logs(instance.instance_id)),
        "tags": dict(instance.tags),
    }


def pool_views(world: World) -> list[dict[str, Any]]:
    """Return every pool with its price, capacity and the number of instances in it."""
    region = world.region
    with region.lock:
        now = world.clock.now()
        region.market.advance(now)
        return [
            {
                "pool": str(pool),
                "spot_usd_per_hour": str(region.market.prices(pool).at(now)),
                "ondemand_usd_per_hour": str(region.catalog.ondemand[pool.instance_type]),
                "spot_capacity": region.capacity.limit(pool, Lifecycle.SPOT, now),
                "ondemand_capacity": region.capacity.limit(pool, Lifecycle.ONDEMAND, now),
                "spot_instances": region.live_count(pool, Lifecycle.SPOT),
                "ondemand_instances": region.live_count(pool, Lifecycle.ONDEMAND),
            }
            for pool in region.market.pools
        ]


def figures(world: World) -> dict[str, Any]:
    """Return counts of calls and launches, and the cost so far."""
    region = world.region
    with region.lock:
        instances = list(region.instances.values())
        return {
            "instances": len(instances),
            "live": sum(1 for i in instances if i.is_live),
            "launched_by_agents": sum(1 for i in instances if i.wish.caller != OPERATOR),
            "notices": world.interruptions.notice_count,
            "cost_usd": f"{region.cost():.6f}",
            "calls_of_agents": region.log.by_action(is_agent),
            "calls_of_others": region.log.by_action(lambda caller: not is_agent(caller)),
        }


def is_agent(caller: str) -> bool:
    """Whether a caller is an agent: it signs with the id of its instance."""
    return caller.startswith("i-")


def _text(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat(timespec="milliseconds")
