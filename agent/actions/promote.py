"""``promote``: this host is the primary now; it takes the traffic and makes sure of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.actions.cutover import Cutover
from agent.actions.queue import Checkpoint
from agent.actions.saga import Step
from agent.identity import Identity
from agent.journal import Entry


class Promotion:
    """Makes the steps of a take-over. Nothing is undone: this host is the primary either way."""

    def __init__(self, identity: Identity, cutover: Cutover) -> None:
        self._own_id = identity.instance_id
        self._cutover = cutover

    def steps(self, _: Entry) -> list[Step]:
        """Return what is left to do after the host before us has begun, or could not."""
        return [Step("begin", self._begin), Step("verify", self._verify)]

    def _begin(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        self._cutover.begin(_old(entry), self._own_id, checkpoint)
        return {}

    def _verify(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        self._cutover.verify(_old(entry), self._own_id, checkpoint)
        return {"message": f"{self._own_id} has the traffic"}


def _old(entry: Entry) -> str:
    return str(entry.command.payload.get("old_instance_id") or "")
