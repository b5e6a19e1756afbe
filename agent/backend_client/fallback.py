"""What the backend says about an interruption, as typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import TransientBackendError

HAND_OVER, AWAIT, LAUNCH, MONITOR, NONE = "hand_over", "await", "launch", "monitor", "none"
ACTIONS = frozenset({HAND_OVER, AWAIT, LAUNCH, MONITOR, NONE})
TERMINATION_KIND = "automatic-termination"


@dataclass(frozen=True)
class Order:
    """A replica to launch: the pools to try in order, on-demand last where that is allowed."""

    replica_id: str | None
    kind: str
    instance_type: str | None
    pools: Sequence[str]
    allow_ondemand: bool
    tags: Mapping[str, str]

    @property
    def is_for_termination(self) -> bool:
        """Whether it replaces a host that EC2 takes away."""
        return self.kind == TERMINATION_KIND


@dataclass(frozen=True)
class Plan:
    """What to do about a signal; ``order`` is there when the action is to launch."""

    action: str
    event_id: str | None
    replica_id: str | None
    new_instance_id: str | None
    epoch: int | None
    order: Order | None
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether asking again tells nothing new."""
        return self.action in {HAND_OVER, MONITOR, NONE}


def parse_interruption(answer: Any) -> Mapping[str, Any]:
    """Return the plan of an answer, as plain data that ``parse_plan`` reads.

    Raises:
        TransientBackendError: it holds none that can be followed.
    """
    plan = answer.get("plan") if isinstance(answer, dict) else None
    if not isinstance(plan, dict) or parse_plan(plan) is None:
        raise TransientBackendError("interruption: the answer has no plan that can be followed")
    return plan


def parse_plan(data: Any) -> Plan | None:
    """Read a plan; None when it is none, or names nobody to hand over to."""
    if not isinstance(data, dict) or data.get("action") not in ACTIONS:
        return None
    new_id, epoch = data.get("new_instance_id"), data.get("epoch")
    if data["action"] == HAND_OVER and not new_id:
        return None
    return Plan(
        action=data["action"],
        event_id=data.get("event_id") or None,
        replica_id=data.get("replica_id") or None,
        new_instance_id=str(new_id) if new_id else None,
        epoch=epoch if isinstance(epoch, int) else None,
        order=_order_of(data) if data["action"] == LAUNCH else None,
        reason=str(data.get("reason") or ""),
    )


def _order_of(plan: Mapping[str, Any]) -> Order:
    """The order itself, or one made of what the plan says around it."""
    order = plan.get("order")
    facts = order if isinstance(order, dict) else {}
    return parse_order({**plan, "kind": TERMINATION_KIND, **facts})


def parse_order(payload: Mapping[str, Any]) -> Order:
    """Read what to launch; what is missing is left to the host."""
    pools, tags = payload.get("pools"), payload.get("tags")
    return Order(
        replica_id=payload.get("replica_id") or None,
        kind=str(payload.get("kind") or "manual"),
        instance_type=payload.get("instance_type") or None,
        pools=tuple(str(pool) for pool in pools) if isinstance(pools, list) else (),
        allow_ondemand=payload.get("allow_ondemand") is True,
        tags={str(name): str(value) for name, value in tags.items()}
        if isinstance(tags, dict)
        else {},
    )
