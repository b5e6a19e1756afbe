"""What a host does about its notice, from what is known at the moment: pure judgements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.backend_client.fallback import AWAIT, HAND_OVER, MONITOR, NONE, Order, Plan
from agent.notices import Notice
from agent.standing import RETIRED, Standing

ANSWER_SECONDS = 3.0  # how long the backend may take before the host decides by itself
LAST_SECONDS = 15.0  # what is left when a replacement gets the traffic without the backend's word
_LATE = timedelta(seconds=60)  # past the deadline there is nothing left to do
_LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Course:
    """A decision; ``after`` seconds there may be one, where it is not None.

    ``order`` is what to launch; None leaves that to the host.
    """

    reason: str = ""
    is_launch: bool = False
    order: Order | None = None
    target: str | None = None
    after: float | None = None


def decide(notice: Notice, stored: Plan | None, standing: Standing, now: datetime) -> Course:
    """Say whether this host launches a replacement.

    The backend's answer first; then, three seconds on, the plan on disk; then common sense.
    """
    plan = notice.plan
    if _successor(standing):
        return Course("superseded", target=standing.primary_instance_id)
    if plan is not None and plan.action == HAND_OVER:
        return Course("the backend says so", target=plan.new_instance_id)
    if now > notice.deadline:
        return Course("too late")
    if notice.order is not None:
        return Course("the backend says so", is_launch=True, order=notice.order)
    if plan is not None:
        waits = plan.action in {AWAIT, MONITOR}  # a primary may hear more later
        return Course(plan.reason or plan.action, after=_LOOK_AGAIN_SECONDS if waits else None)
    waited = (now - notice.detected).total_seconds()
    return _decide_alone(stored, standing, ANSWER_SECONDS - waited)


def _decide_alone(stored: Plan | None, standing: Standing, left: float) -> Course:
    if left > 0:
        return Course(after=left)
    if standing.role != "primary" or standing.agent_id is None:
        return Course(after=_LOOK_AGAIN_SECONDS)  # nobody's primary needs no replacement of its own
    if not standing.enabled and not standing.has_given_way:
        return Course("disabled")
    if stored is None or stored.epoch not in (None, standing.epoch):
        return Course("no plan of this epoch", is_launch=True)
    return Course(
        "the plan on disk",
        is_launch=stored.action not in {HAND_OVER, NONE},
        order=stored.order,
        target=stored.new_instance_id if stored.action == HAND_OVER else None,
    )


def find_target(
    notice: Notice, facts: Mapping[str, Any], standing: Standing, now: datetime
) -> Course:
    """Say to whom this host hands over, and when to look again while nobody is known."""
    plan = notice.plan
    if plan is not None and plan.action == HAND_OVER:
        return Course(target=plan.new_instance_id)
    if _successor(standing):
        return Course(target=standing.primary_instance_id)
    if facts.get("target"):
        return Course(target=str(facts["target"]))
    left = (notice.deadline - now).total_seconds()
    if facts.get("new_instance_id") and left <= LAST_SECONDS:
        return Course(target=str(facts["new_instance_id"]))
    if now > notice.deadline + _LATE or (plan is not None and plan.action == NONE):
        return Course(f"nobody took over: {facts.get('course') or 'no answer'}")
    return Course(after=max(1.0, min(_LOOK_AGAIN_SECONDS, left - LAST_SECONDS)))


def _successor(standing: Standing) -> bool:
    return standing.role in RETIRED and bool(standing.primary_instance_id)
