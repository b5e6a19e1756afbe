"""What EC2 said about taking this host away, on disk before anybody acts on it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agent.backend_client.fallback import Order, Plan, parse_order, parse_plan
from agent.clock import Clock, parse_instant
from agent.documents import Documents

_NOTICE, _REBALANCE = "notice", "rebalance"
_USUAL_SECONDS = 120.0
_FORGET_AFTER = timedelta(minutes=10)  # past its deadline a host that lives was not taken


@dataclass(frozen=True)
class Notice:
    """A termination notice, and what the backend said to it. Instants are ISO 8601 texts."""

    key: str
    action: str | None
    time: str | None
    detected_at: str
    is_settled: bool = False
    answer: Mapping[str, Any] | None = None
    answered_as: str | None = None  # this host's role when that answer came
    offered: Mapping[str, Any] | None = None  # an order for it that came as a command

    @property
    def detected(self) -> datetime:
        """When this host saw it."""
        return parse_instant(self.detected_at)

    @property
    def deadline(self) -> datetime:
        """When EC2 acts; two minutes after we saw it where it does not say."""
        try:
            return parse_instant(self.time or "")
        except ValueError:
            return self.detected + timedelta(seconds=_USUAL_SECONDS)

    @property
    def plan(self) -> Plan | None:
        """What the backend answered last."""
        return parse_plan(self.answer)

    @property
    def order(self) -> Order | None:
        """What the backend wants launched for it, in whichever way it came."""
        plan = self.plan
        if plan is not None and plan.order is not None:
            return plan.order
        return parse_order(self.offered) if self.offered else None


class NoticeBook:
    """The notice of this host: at most one at a time, whatever metadata repeats. Thread-safe."""

    def __init__(self, documents: Documents, instance_id: str, clock: Clock) -> None:
        self._documents = documents
        self._instance_id = instance_id
        self._clock = clock
        self._lock = threading.Lock()
        kept = documents.load(_NOTICE)
        self._notice: Notice | None = Notice(**kept) if kept else None
        self._rebalance: Mapping[str, Any] = documents.load(_REBALANCE) or {}

    @property
    def current(self) -> Notice | None:
        """The notice, settled or not, until ten minutes past its deadline."""
        notice = self._notice
        if notice is None or self._clock.now() > notice.deadline + _FORGET_AFTER:
            return None
        return notice

    def open(self, action: object, time: object) -> Notice | None:
        """Write a notice down; the present one when there is one: EC2 takes a host once.

        None when it is of an interruption that is long over.
        """
        with self._lock:
            present = self.current
            if present is not None:
                return present
            said = str(time) if isinstance(time, str) and time else None
            now = self._clock.now().isoformat()
            key = hashlib.sha256(f"{self._instance_id}:{said or now}".encode()).hexdigest()[:32]
            known = action if action in {"terminate", "stop", "hibernate"} else None
            notice = Notice(key, str(known) if known else None, said, now)
            is_over = self._clock.now() > notice.deadline + _FORGET_AFTER
            return None if is_over else self._keep(notice)

    def answered(self, answer: Mapping[str, Any], role: str) -> None:
        """Note the backend's last word, and to whom it was said."""
        self._change(answer=dict(answer), answered_as=role)

    def reopen(self) -> None:
        """Ask anew: what was said to a standby does not hold for a primary."""
        self._change(answer=None, answered_as=None, is_settled=False)

    def offer(self, payload: Mapping[str, Any]) -> None:
        """Note an order for this notice that came as a command."""
        self._change(offered=dict(payload))

    def settle(self) -> None:
        """Note that the backend needs to hear no more of it."""
        self._change(is_settled=True)

    def forget(self) -> bool:
        """Drop a notice that EC2 did not act on; tells whether there was one."""
        with self._lock:
            if self._notice is None or self.current is not None:
                return False
            self._documents.remove(_NOTICE)
            self._notice = None
            return True

    def recommended(self, time: str) -> bool:
        """Tell whether this rebalance recommendation still has to be delivered."""
        return self._rebalance.get("time") != time or not self._rebalance.get("is_delivered")

    def delivered(self, time: str) -> None:
        """Note that the backend has this rebalance recommendation."""
        self._rebalance = {"time": time, "is_delivered": True}
        self._documents.save(_REBALANCE, self._rebalance)

    def _change(self, **changes: Any) -> None:
        with self._lock:
            if self._notice is not None:
                changed = replace(self._notice, **changes)
                if changed != self._notice:
                    self._keep(changed)

    def _keep(self, notice: Notice) -> Notice:
        self._documents.save(_NOTICE, asdict(notice))
        self._notice = notice
        return notice
