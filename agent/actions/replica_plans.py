"""Which launches to try for a standby or an emergency replacement: pure judgements."""

from __future__ import annotations

from agent.actions.plans import Attempt, launch_token, parse_pool
from agent.backend_client.fallback import TERMINATION_KIND, Order
from agent.config import Settings
from agent.errors import ActionFailed
from agent.launch_spec import LINUX, LaunchSpec


class Refused(ActionFailed):
    """This host's own settings forbid the launch."""


def plan_replica(order: Order, spec: LaunchSpec, key: str) -> list[Attempt]:
    """Return the launches to try, in order; ``key`` makes repeats of one of them one launch.

    The key is the replica's id wherever there is one, whichever way its order came.

    Raises:
        ActionFailed: nothing can be launched.
    """
    if spec.platform != LINUX:
        raise ActionFailed("plan", f"a replica of {spec.platform} is not supported")
    wanted = [("spot", *parse_pool(name)) for name in order.pools]
    if order.allow_ondemand:
        kind = order.instance_type or spec.instance_type
        zones = dict.fromkeys([*(az for _, _, az in wanted), spec.az, *sorted(spec.subnets)])
        wanted += [("ondemand", kind, az) for az in zones]
    attempts = [
        Attempt(
            mode, kind, az, spec.subnets.get(az), launch_token(f"replica:{key}", mode, kind, az)
        )
        for mode, kind, az in dict.fromkeys(wanted)
        if az in spec.subnets or not spec.vpc_id
    ]
    if not attempts:
        raise ActionFailed("plan", "no pool is named that the network reaches")
    return attempts


def makeshift_order(spec: LaunchSpec) -> Order:
    """Return what to launch when nobody has said: its own kind elsewhere, on-demand last."""
    zones = [az for az in sorted(spec.subnets) if az != spec.az]
    return Order(
        replica_id=None,
        kind=TERMINATION_KIND,
        instance_type=spec.instance_type,
        pools=tuple(f"{spec.instance_type}.{az}" for az in zones),
        allow_ondemand=True,
        tags={},
    )


def refusal(order: Order, settings: Settings) -> str | None:
    """Say which setting of this host forbids the order; None when none does."""
    if order.kind.startswith("automatic-"):
        return None if settings.emergency_replica_enabled else "EMERGENCY_REPLICA_ENABLED=false"
    return "REPLICA_ENABLED=false" if settings.replica_enabled is False else None
