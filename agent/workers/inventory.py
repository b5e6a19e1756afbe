"""Inventory: the primary tells which instances with its agent's tags exist."""

from __future__ import annotations

from agent.actions.plans import MANAGED_BY
from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.backend_client.client import BackendClient
from agent.backend_client.reports import inventory_body
from agent.clock import Clock
from agent.identity import Identity
from agent.launch_spec import OUR_TAGS
from agent.state import AgentState
from agent.workers.base import Worker


class InventoryWorker(Worker):
    """Reports once after becoming the primary, then at its interval."""

    name = "inventory"

    def __init__(
        self,
        interval: float,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        ec2: Ec2,
        clock: Clock,
    ) -> None:
        super().__init__(interval, clock, starts_at_once=True)
        self._identity = identity
        self._state = state
        self._client = client
        self._ec2 = ec2

    def tick(self) -> None:
        """Ask EC2 once, and report."""
        standing = self._state.current
        if not (self._state.is_registered and standing.is_acting_primary and standing.client_id):
            return
        if standing.is_classic:
            return
        found = self._ec2.find_by_tags(
            {
                "ManagedBy": MANAGED_BY,
                "ClientId": standing.client_id,
                "LogicalAgentId": self._identity.logical_agent_id,
            }
        )
        if all(one.instance_id != self._identity.instance_id for one in found):
            own = self._ec2.find(self._identity.instance_id)  # the user's own first instance
            found += [own] if own is not None else []
        rows = [_row(instance) for instance in found]
        self._client.send_inventory(self._state.agent_id, inventory_body(rows, self._clock.now()))


def _row(instance: Instance) -> dict[str, object]:
    launched_at = instance.launched_at
    return {
        "instance_id": instance.instance_id,
        "state": instance.state,
        "instance_type": instance.instance_type,
        "az": instance.az,
        "mode": instance.mode,
        "launched_at": launched_at.isoformat() if launched_at else None,
        "tags": {name: value for name, value in instance.tags.items() if name in OUR_TAGS},
    }
