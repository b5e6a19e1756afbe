"""EC2 takes this host: launch a replacement if that is needed, and hand over; once per notice.

A saga that only this host knows of. It never waits on the action thread for the backend: it asks
to be called again, and whoever has news hurries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from agent.actions.assignment import Assignment, for_notice
from agent.actions.emergency_course import Course, decide, find_target
from agent.actions.launch import Launcher
from agent.actions.queue import Checkpoint
from agent.actions.replica_plans import Refused, makeshift_order, plan_replica, refusal
from agent.actions.replica_rows import ReplicaRows
from agent.actions.saga import Step
from agent.actions.takeaway import Takeaway
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.config import Settings
from agent.emergency_plan import PlanBook
from agent.errors import ActionFailed, AwsError, Deferred
from agent.identity import Identity
from agent.journal import Entry, Journal
from agent.notices import Notice, NoticeBook
from agent.own_host import OwnHost
from agent.state import AgentState

_AGAIN_SECONDS = 3.0
_READ_SECONDS = 10.0


class Emergency:
    """Makes the steps; whatever happens, ``hand_over`` is reached."""

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        journal: Journal,
        launcher: Launcher,
        own_host: OwnHost,
        notices: NoticeBook,
        plans: PlanBook,
        takeaway: Takeaway,
        rows: ReplicaRows,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._journal = journal
        self._launcher = launcher
        self._own_host = own_host
        self._notices = notices
        self._plans = plans
        self._takeaway = takeaway
        self._rows = rows
        self._clock = clock

    def steps(self, _: Entry) -> list[Step]:
        """Return both steps; nothing is undone: the replacement is wanted whatever follows."""
        return [Step("launch", self._launch), Step("hand_over", self._hand_over)]

    def _launch(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        notice = self._notices.current
        if notice is None:
            return {}
        course = decide(notice, self._plans.current, self._state.current, self._clock.now())
        if not course.is_launch:
            found = self._find_cut_off(entry, notice, checkpoint.unfenced())
            if found is None and course.after is not None:
                raise Deferred(course.after)
            return {**(found or {}), "course": course.reason, "target": course.target}
        try:
            return self._launch_one(entry, notice, course, checkpoint.unfenced())
        except Refused as error:
            self._give_up(course, error.reason, checkpoint.unfenced())
            return {"course": error.reason}
        except (ActionFailed, AwsError) as error:
            self._journal.step(entry.command.id, "launch", "doing", attempt=0)
            raise Deferred(_AGAIN_SECONDS) from error  # every pool again: there may be room by then

    def _give_up(self, course: Course, reason: str, checkpoint: Checkpoint) -> None:
        if course.order and course.order.replica_id:
            agent_id, replica_id = self._state.agent_id, course.order.replica_id
            self._rows.give_up(agent_id, replica_id, reason, {}, checkpoint.wait)

    def _find_cut_off(
        self, entry: Entry, notice: Notice, checkpoint: Checkpoint
    ) -> Mapping[str, Any] | None:
        """Return what was launched before the course changed; None when nothing was."""
        if "attempts" not in entry.facts:
            return None
        without = replace(entry, facts={**entry.facts, "attempts": []})
        try:
            return self._launcher.launch(without, checkpoint, self._assignment(entry, notice))
        except (ActionFailed, AwsError):
            return None

    def _launch_one(
        self, entry: Entry, notice: Notice, course: Course, checkpoint: Checkpoint
    ) -> Mapping[str, Any]:
        spec = persist(
            self._own_host.read, wait=checkpoint.wait, clock=self._clock, budget=_READ_SECONDS
        )
        order = course.order or makeshift_order(spec)
        if not order.pools and not order.allow_ondemand:
            order = replace(makeshift_order(spec), replica_id=order.replica_id, tags=order.tags)
        if "attempts" not in entry.facts:
            if (reason := refusal(order, self._settings)) is not None:
                raise Refused("launch", f"refused: {reason} on this host")
            attempts = plan_replica(order, spec, order.replica_id or notice.key)
            entry = self._journal.step(
                entry.command.id, "launch", "doing",
                attempts=[asdict(one) for one in attempts],
                replica_id=order.replica_id, tags=dict(order.tags),
            )  # fmt: skip
        return self._launcher.launch(entry, checkpoint, self._assignment(entry, notice))

    def _assignment(self, entry: Entry, notice: Notice) -> Assignment:
        return for_notice(
            entry.facts,
            notice_key=notice.key,
            client_id=self._state.current.client_id,
            identity=self._identity,
            read_spec=self._own_host.read,
        )

    def _hand_over(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        notice = self._notices.current
        if notice is None:
            return {"message": "EC2 did not take this host"}
        choice = find_target(notice, entry.facts, self._state.current, self._clock.now())
        if choice.after is not None:
            raise Deferred(choice.after)
        if choice.target is None:
            return {"message": choice.reason}
        try:
            self._takeaway.hand_over(choice.target, notice, checkpoint.unfenced())
        except ActionFailed as error:
            if self._clock.now() >= notice.deadline:
                raise
            raise Deferred(_AGAIN_SECONDS) from error  # it may not run yet
        return {"message": f"handed over to {choice.target}", "target": choice.target}
