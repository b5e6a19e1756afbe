"""A host that EC2 takes away lets go of its work: drain, fence, send the traffic elsewhere."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from agent.actions.cutover import Cutover
from agent.actions.queue import Checkpoint
from agent.clock import Clock
from agent.config import Settings
from agent.identity import Identity
from agent.notices import Notice
from agent.programs import Program
from agent.state import AgentState

logger = logging.getLogger(__name__)

_SPARE = timedelta(seconds=20)  # what the cut-over needs, however long the drain takes
_LOOK_SECONDS = 0.5


class Takeaway:
    """Drains once in the life of a process, and hands over. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        cutover: Cutover,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._own_id = identity.instance_id
        self._state = state
        self._cutover = cutover
        self._clock = clock
        self._lock = threading.Lock()
        self._drain: Program | None = None
        self._until = 0.0
        self._drained_for: str | None = None

    def drain(self, notice: Notice) -> None:
        """Start DRAIN_COMMAND, once for each notice; end it when its time is over."""
        with self._lock:
            if self._settings.drain_command and self._drained_for != notice.key:
                self._drained_for = notice.key
                facts = {
                    "INTERRUPTED_INSTANCE_ID": self._own_id,
                    "INTERRUPTION_ACTION": notice.action or "terminate",
                    "INTERRUPTION_DEADLINE": notice.deadline.isoformat(),
                }
                self._drain = Program(self._settings.drain_command, facts)
                self._until = self._clock.monotonic() + self._settings.drain_timeout
            self._look_after_the_drain()

    def hand_over(self, target: str, notice: Notice, checkpoint: Checkpoint) -> None:
        """Stop acting, and send the traffic to the new instance; repeatable.

        Raises:
            ActionFailed: a part of the traffic could not be moved.
            Interrupted: the checkpoint says so.
        """
        self._state.fence()
        while self._is_draining() and self._clock.now() < notice.deadline - _SPARE:
            checkpoint.wait(_LOOK_SECONDS)
        self._cutover.begin(self._own_id, target, checkpoint)

    def _is_draining(self) -> bool:
        with self._lock:
            self._look_after_the_drain()
            return self._drain is not None

    def _look_after_the_drain(self) -> None:
        if self._drain is None:
            return
        code = self._drain.code()
        if code is None and self._clock.monotonic() < self._until:
            return
        self._drain.stop()
        self._drain = None
        logger.info(
            "The drain ended with %s", "its time" if code is None else code,
            extra={"action": "drain_ended", "code": code},
        )  # fmt: skip
