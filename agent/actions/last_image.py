"""Images of this host: ``snapshot`` when asked for, and the last one before EC2 takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.actions.assignment import ownership
from agent.actions.queue import Checkpoint
from agent.actions.saga import Step
from agent.aws.images import Images
from agent.backend_client.commands import Command
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.identity import Identity
from agent.journal import Entry
from agent.notices import Notice
from agent.state import AgentState

KIND = "snapshot"
_PRIORITY = 99  # lets the emergency itself go first
_BUDGET_SECONDS = 90.0


class ImageTaking:
    """Begins images. EC2 finishes them by itself, also when the host is gone."""

    def __init__(self, identity: Identity, state: AgentState, images: Images, clock: Clock) -> None:
        self._identity = identity
        self._state = state
        self._images = images
        self._clock = clock

    def steps(self, _: Entry) -> list[Step]:
        """Return the one step."""
        return [Step("image", self._take)]

    def _take(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        own = self._identity
        tags = ownership(self._state.current.client_id, own.logical_agent_id, own.instance_id)
        image_id = persist(
            lambda: self._images.create(
                own.instance_id, f"spot-optimizer-{entry.command.id}", tags
            ),
            wait=checkpoint.unfenced().wait,
            clock=self._clock,
            budget=_BUDGET_SECONDS,
        )
        return {"image_id": image_id, "message": image_id}


def last_image(notice: Notice) -> Command:
    """Return the command that this host gives itself at a notice."""
    return Command(
        id=f"image-{notice.key}",
        command_type=KIND,
        target_mode=None,
        target_pool_id=None,
        priority=_PRIORITY,
        terminate_wait_seconds=0,
        payload={},
        is_local=True,
    )
