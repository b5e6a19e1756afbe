"""The watch over instance metadata: does EC2 take this host? No call to EC2 stands before it."""

from __future__ import annotations

import logging
from typing import Any

from agent.actions.actor import Actor
from agent.actions.last_image import last_image
from agent.actions.takeaway import Takeaway
from agent.clock import Clock
from agent.config import Settings
from agent.errors import ImdsUnavailable
from agent.identity import Identity
from agent.imds import Imds
from agent.notices import Notice, NoticeBook
from agent.state import AgentState
from agent.workers.base import Worker
from agent.workers.response import Response

logger = logging.getLogger(__name__)

_TERMINATION = "meta-data/spot/instance-action"
_REBALANCE = "meta-data/events/recommendations/rebalance"


class InterruptionWorker(Worker):
    """Looks every two seconds; a notice is on disk before anything is done about it."""

    name = "interruption"

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        imds: Imds,
        notices: NoticeBook,
        response: Response,
        takeaway: Takeaway,
        state: AgentState,
        actor: Actor,
        clock: Clock,
    ) -> None:
        super().__init__(settings.notice_interval, clock, starts_at_once=True)
        self.failures = 0  # looks in a row that metadata did not answer
        self._settings = settings
        self._is_spot = identity.mode != "ondemand"
        self._imds = imds
        self._notices = notices
        self._response = response
        self._takeaway = takeaway
        self._state = state
        self._actor = actor
        self._look_interval = self.interval
        self._rebalance_due = 0.0

    def tick(self) -> None:
        """Look, and while there is a notice that the backend has to hear of, tell it."""
        if self._notices.forget():
            logger.warning("EC2 did not take this host", extra={"action": "notice_expired"})
            self._state.unfence()
        self.interval = self._look_interval
        notice = self._notices.current
        if notice is None and self._is_spot:
            notice = self._look()
        if notice is None:
            return
        self._takeaway.drain(notice)
        self._response.advance(notice)
        if not notice.is_settled:
            self.interval = self._response.pause(notice)

    def _look(self) -> Notice | None:
        try:
            found = self._imds.get_json(_TERMINATION)
            if found is None:
                self._look_for_advice()
        except ImdsUnavailable as error:
            self._count(error)
            return None
        if self.failures:
            logger.warning(
                "Instance metadata answers again, after %d failures", self.failures,
                extra={"action": "metadata_recovered", "failures": self.failures},
            )  # fmt: skip
        self.failures = 0
        return None if found is None else self._open(found)

    def _open(self, found: dict[str, Any]) -> Notice | None:
        notice = self._notices.open(found.get("action"), found.get("time"))
        if notice is None:
            return None
        logger.warning(
            "EC2 is going to %s this host at %s", notice.action or "take", notice.deadline,
            extra={"action": "interruption_noticed", "key": notice.key, "time": notice.time},
        )  # fmt: skip
        self._takeaway.drain(notice)
        if self._settings.snapshot_on_termination:
            self._actor.hurry(last_image(notice))
        return notice

    def _look_for_advice(self) -> None:
        """A rebalance recommendation is told once; it asks nothing of this host."""
        now = self._clock.monotonic()
        if now < self._rebalance_due:
            return
        self._rebalance_due = now + self._settings.rebalance_check_interval
        found = self._imds.get_json(_REBALANCE)
        if found is None:
            return
        time = str(found.get("noticeTime") or "")
        if not self._notices.recommended(time):
            return
        detected_at = self._clock.now().isoformat()
        if self._response.recommend(time or detected_at, detected_at):
            self._notices.delivered(time)
        else:
            self._rebalance_due = now + self._look_interval

    def _count(self, error: ImdsUnavailable) -> None:
        """Not to know is not the same as no notice; said once, and looked again at once."""
        self.failures += 1
        if self.failures == 1:
            logger.error(
                "Instance metadata does not answer: %s", error,
                extra={"action": "metadata_unavailable"},
            )  # fmt: skip
