"""What to launch, and what may be ended: pure judgements, no call to anybody."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from agent.aws.instances import Instance
from agent.backend_client.commands import Command
from agent.errors import ActionFailed
from agent.launch_spec import LINUX, LaunchSpec

ENROLMENT_TAG = "SpotOptimizerEnrolled"
MANAGED_BY = "SpotOptimizer"
_POOL = re.compile(r"^(?P<type>[a-z0-9-]+\.[a-z0-9-]+)\.(?P<az>[a-z]{2}(-[a-z0-9]+)+)$")


@dataclass(frozen=True)
class Attempt:
    """One launch to try. ``token`` makes repeats of it one launch."""

    mode: str
    instance_type: str
    az: str
    subnet_id: str | None
    token: str

    @property
    def pool_id(self) -> str:
        """The pool's name on the wire."""
        return f"{self.instance_type}.{self.az}"


def plan_attempts(command: Command, spec: LaunchSpec) -> list[Attempt]:
    """Return the launches to try for a switch, in order; each only when the one before is full.

    Raises:
        ActionFailed: nothing can be launched for this command.
    """
    if spec.platform != LINUX:
        raise ActionFailed("plan", f"switching {spec.platform} is not supported")
    if command.target_mode not in {"spot", "ondemand"}:
        raise ActionFailed("plan", "target_mode must be spot or ondemand")
    pools = _named_pools(command)
    if command.target_mode == "spot":
        if not pools:
            raise ActionFailed("plan", "a spot target needs a pool")
        wanted = [("spot", *pool) for pool in pools]
        if command.payload.get("allow_ondemand") is True:
            wanted += _everywhere(spec)
    else:
        wanted = [("ondemand", *pool) for pool in pools] + _everywhere(spec)
    attempts = [
        Attempt(mode, kind, az, spec.subnets.get(az), launch_token(command.id, mode, kind, az))
        for mode, kind, az in dict.fromkeys(wanted)
        if az in spec.subnets or not spec.vpc_id
    ]
    if not attempts:
        zones = ", ".join(sorted({az for _, _, az in wanted}))
        raise ActionFailed("plan", f"the network {spec.vpc_id} has no subnet in {zones}")
    return attempts


def _named_pools(command: Command) -> list[tuple[str, str]]:
    listed = command.payload.get("pools")
    names = listed if isinstance(listed, list) and listed else [command.target_pool_id]
    return [parse_pool(str(name)) for name in names if name]


def _everywhere(spec: LaunchSpec) -> list[tuple[str, str, str]]:
    """On-demand at home first, then wherever the network reaches."""
    zones = [spec.az, *sorted(spec.subnets)]
    return [("ondemand", spec.instance_type, az) for az in dict.fromkeys(zones)]


def parse_pool(name: str) -> tuple[str, str]:
    """Split ``m5.large.us-east-1a`` into type and AZ.

    Raises:
        ActionFailed: it is no pool.
    """
    found = _POOL.match(name)
    if found is None:
        raise ActionFailed("plan", f"{name!r} is no pool, such as m5.large.us-east-1a")
    return found["type"], found["az"]


def launch_token(command_id: str, mode: str, instance_type: str, az: str) -> str:
    """Return the ClientToken of a launch: the same pool for the same command, the same token."""
    text = f"{command_id}:{mode}:{instance_type}:{az}"
    return hashlib.sha256(text.encode()).hexdigest()


def obstacle_to_ending(
    instance: Instance, *, own_id: str, client_id: str, logical_agent_id: str
) -> str | None:
    """Say why this agent must not end an instance, from what EC2 tells; None when it may."""
    if instance.instance_id == own_id:
        return "an agent does not end its own host"
    tags = instance.tags
    is_launched = tags.get("ManagedBy") == MANAGED_BY and (
        tags.get("ClientId"),
        tags.get("LogicalAgentId"),
    ) == (client_id, logical_agent_id)
    is_enrolled = tags.get(ENROLMENT_TAG) == enrolment(client_id, logical_agent_id)
    return None if is_launched or is_enrolled else "its tags do not say that it is this agent's"


def enrolment(client_id: str, logical_agent_id: str) -> str:
    """Return the tag value by which a user-made instance may be ended later."""
    return f"{client_id}:{logical_agent_id}"
