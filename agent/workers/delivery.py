"""Delivery: the outbox's reports, in order, until the backend has each of them."""

from __future__ import annotations

import logging
from typing import Any

from agent.backend_client.client import BackendClient
from agent.clock import Clock
from agent.errors import PermanentBackendError, TransientBackendError
from agent.outbox import Outbox, Outcome, Report
from agent.state import AgentState
from agent.workers.base import Worker

logger = logging.getLogger(__name__)

_TRIES_WHEN_UNKNOWN = 3
_TRIES_WHEN_BROKEN = 10


class DeliveryWorker(Worker):
    """The only sender of reports, so their order is the order in which they were put."""

    name = "delivery"

    def __init__(
        self,
        interval: float,
        state: AgentState,
        client: BackendClient,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        super().__init__(interval, clock)
        self._state = state
        self._client = client
        self._outbox = outbox
        self._unknown = ("", 0)
        self._broken = ("", 0)

    def tick(self) -> None:
        """Deliver everything that waits; the first failure ends the attempt."""
        while self._state.is_registered and (first := self._outbox.first()) is not None:
            name, report = first
            try:
                outcome = self._deliver(name, report)
            except TransientBackendError as error:
                self._pass_over(name, report, error)
                raise
            self._outbox.settle(name, outcome)

    def _deliver(self, name: str, report: Report) -> Outcome:
        try:
            answer = self._client.send(
                self._state.agent_id, report.method, report.path, report.body
            )
        except PermanentBackendError as error:
            self._retry_after_registering(name, report, error)
            log = logger.info if error.is_unknown_agent else logger.error
            log(
                "%s was refused: %s", report.key, error,
                extra={"action": "report_refused", "report": report.key, "status": error.status},
            )  # fmt: skip
            return Outcome(refusal=str(error))
        _log_partial_refusal(report, answer)
        return Outcome(answer=answer)

    def _pass_over(self, name: str, report: Report, error: TransientBackendError) -> None:
        """A report that the backend breaks on must not hold up the others for ever."""
        if not error.is_broken:
            return
        tries = self._broken[1] + 1 if self._broken[0] == name else 1
        self._broken = (name, tries)
        if tries >= _TRIES_WHEN_BROKEN:
            logger.error(
                "The backend breaks on %s: the others go first", report.key,
                extra={"action": "report_postponed", "report": report.key},
            )  # fmt: skip
            self._outbox.postpone(name)

    def _retry_after_registering(
        self, name: str, report: Report, error: PermanentBackendError
    ) -> None:
        """A forgotten agent registers again, and a token can be mended: neither loses a report."""
        if error.status in {401, 403}:
            raise TransientBackendError(str(error)) from error
        if not error.is_unknown_agent or report.may_be_unknown:
            return
        tries = self._unknown[1] + 1 if self._unknown[0] == name else 1
        self._unknown = (name, tries)
        if tries < _TRIES_WHEN_UNKNOWN:
            self._state.forgotten()
            raise TransientBackendError(str(error)) from error


def _log_partial_refusal(report: Report, answer: Any) -> None:
    refused = answer.get("refused") if isinstance(answer, dict) else None
    if refused:
        logger.warning(
            "%s: %d entries were refused", report.key, len(refused),
            extra={"action": "entries_refused", "refused": refused},
        )  # fmt: skip
