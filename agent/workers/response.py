"""What a noticed host tells the backend, again and again, until it knows who takes over."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agent.actions.actor import Actor
from agent.actions.emergency_commands import emergency_command, order_command
from agent.actions.replica_rows import ReplicaRows
from agent.backend_client.client import BackendClient
from agent.backend_client.commands import Command
from agent.backend_client.fallback import HAND_OVER, MONITOR
from agent.backend_client.reports import interruption_body
from agent.clock import Clock
from agent.errors import PermanentBackendError, TransientBackendError
from agent.identity import Identity
from agent.journal import DONE, Entry, Journal
from agent.notices import Notice, NoticeBook
from agent.state import AgentState

logger = logging.getLogger(__name__)

_PATIENCE = (3.0, 3.0, 5.0, 10.0, 20.0)  # a slow backend must be able to answer some time
_HURRY, _SLOW = 1.0, 5.0
_LAST_SECONDS = timedelta(seconds=10)


class Response:
    """Delivers the notice and the replacement's id, and hands every answer to the emergency."""

    def __init__(
        self,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        journal: Journal,
        notices: NoticeBook,
        rows: ReplicaRows,
        actor: Actor,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._state = state
        self._client = client
        self._journal = journal
        self._notices = notices
        self._rows = rows
        self._actor = actor
        self._clock = clock
        self._failures = 0
        self._seen: object = None

    def pause(self, notice: Notice) -> float:
        """Return the seconds between two tries."""
        is_urgent = self._clock.now() < notice.deadline - _LAST_SECONDS
        return _HURRY if is_urgent else _SLOW

    def advance(self, notice: Notice) -> None:
        """Tell the backend once; whatever it says or does not say, the host goes on."""
        command = emergency_command(notice)
        role = self._state.current.role
        if role == "primary" and notice.answered_as not in {None, "primary"}:
            self._notices.reopen()
            notice = self._notices.current or notice
        self._hurry(notice, command)
        if self._state.current.agent_id is None or notice.is_settled:
            return
        launched = self._launched(command.id)
        body = interruption_body(
            self._identity.instance_id, "termination-notice", notice.time, notice.action,
            notice.detected_at, self._rows.describe(launched.facts) if launched else None,
        )  # fmt: skip
        answer = self._ask(body)
        if answer is None:
            return
        self._notices.answered(answer, role)
        present = self._notices.current
        if present is None:
            return
        self._hurry(present, command)
        entry = self._journal.find(command.id)
        self._order_late(present, entry)
        if self._is_over(present, entry):
            self._notices.settle()

    def _hurry(self, notice: Notice, command: Command) -> None:
        """Let the emergency look again, when there is anything new to see."""
        role = self._state.current.role
        news = (command.id, role, notice.answer, notice.offered)
        is_concerned = role == "primary" or self._journal.find(command.id) is not None
        if is_concerned and news != self._seen:
            self._seen = news
            self._actor.hurry(command)

    def recommend(self, time: str, detected_at: str) -> bool:
        """Deliver a rebalance recommendation; tells whether the backend has it."""
        if self._state.current.agent_id is None:
            return False
        signal = "rebalance-recommendation"
        body = interruption_body(self._identity.instance_id, signal, time, None, detected_at)
        return self._ask(body) is not None

    def _ask(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        seconds = _PATIENCE[min(self._failures, len(_PATIENCE) - 1)]
        try:
            answer = self._client.report_interruption(self._state.agent_id, body, seconds=seconds)
        except (TransientBackendError, PermanentBackendError) as error:
            self._failures += 1
            if isinstance(error, PermanentBackendError) and error.is_unknown_agent:
                self._state.forgotten()
            if self._failures == 1:
                logger.error(  # noqa: TRY400 - the reason says it all
                    "The notice is not delivered: %s; trying again", error,
                    extra={"action": "notice_not_delivered"},
                )  # fmt: skip
            return None
        self._failures = 0
        return answer

    def _launched(self, command_id: str) -> Entry | None:
        entry = self._journal.find(command_id)
        return entry if entry is not None and "new_instance_id" in entry.facts else None

    def _is_over(self, notice: Notice, entry: Entry | None) -> bool:
        """Bind what was launched first: the backend must know every instance of this event."""
        plan = notice.plan
        launched = self._launched(entry.command.id) if entry is not None else None
        if launched is not None and plan is not None:
            wanted = notice.order.replica_id if notice.order else None
            replica_id = wanted or launched.facts.get("replica_id")
            if replica_id and not self._rows.has_bound(replica_id):
                self._rows.try_to_bind(self._state.agent_id, replica_id, launched.facts)
        is_standby = self._state.current.role != "primary"
        if plan is None or not plan.is_final or (plan.action == MONITOR and not is_standby):
            return False
        return entry is None or entry.status == DONE or plan.action == HAND_OVER

    def _order_late(self, notice: Notice, entry: Entry | None) -> None:
        """Launch what is ordered after the emergency ended without a launch."""
        order = notice.order
        if order is None or order.replica_id is None or not notice.answer:
            return
        if entry is not None and entry.status == DONE and "new_instance_id" not in entry.facts:
            payload = {"kind": order.kind, **dict(notice.answer.get("order") or {})}
            self._actor.hurry(order_command(order, {**payload, "replica_id": order.replica_id}))
