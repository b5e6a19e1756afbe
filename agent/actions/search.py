"""Finding again what was launched: by the tags that every launch of ours carries."""

from __future__ import annotations

from collections.abc import Mapping

from agent.actions.queue import Checkpoint
from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.errors import ActionFailed
from agent.identity import Identity

_LOOKS = 3


class LaunchSearch:
    """Asks EC2 for the instance of a command."""

    def __init__(self, identity: Identity, ec2: Ec2, clock: Clock, poll_seconds: float) -> None:
        self._identity = identity
        self._ec2 = ec2
        self._clock = clock
        self._poll_seconds = poll_seconds

    def find(self, command_id: str, checkpoint: Checkpoint) -> Instance | None:
        """Return the instance that was launched for a command; None when there was none.

        Raises:
            ActionFailed: there was one, and it has ended: another one would be a second launch.
        """
        tags = {"CommandId": command_id, "LogicalAgentId": self._identity.logical_agent_id}
        return self.find_by(tags, checkpoint)

    def find_by(self, tags: Mapping[str, str], checkpoint: Checkpoint) -> Instance | None:
        """Return the one instance that carries these tags; raises as ``find`` does."""
        found = persist(
            lambda: self._ec2.find_by_tags(tags), wait=checkpoint.wait, clock=self._clock
        )
        alive = [instance for instance in found if not instance.has_ended]
        if found and not alive:
            raise ActionFailed("launch", f"{found[0].instance_id} was launched and has ended")
        return min(alive, key=lambda one: one.instance_id) if alive else None

    def find_cut_off(self, command_id: str, checkpoint: Checkpoint) -> str | None:
        """Return the id of an instance whose launch was cut off before we heard of it.

        Asks repeatedly: EC2's lists lag behind its launches.
        """
        tags = {"CommandId": command_id, "LogicalAgentId": self._identity.logical_agent_id}
        return self.find_cut_off_by(tags, checkpoint)

    def find_cut_off_by(self, tags: Mapping[str, str], checkpoint: Checkpoint) -> str | None:
        """Return the id of such an instance by its tags."""
        for _ in range(_LOOKS):
            try:
                found = self.find_by(tags, checkpoint)
            except ActionFailed:
                return None  # it has ended
            if found is not None:
                return found.instance_id
            checkpoint.wait(self._poll_seconds)
        return None
