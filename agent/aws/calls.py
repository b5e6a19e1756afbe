"""Every request to AWS is counted by name and reason: a quiet agent makes under 30 an hour."""

from __future__ import annotations

import logging
import threading
from typing import Any

from agent.clock import Clock
from agent.documents import Documents
from agent.logs import current_activity

logger = logging.getLogger(__name__)

_DOCUMENT = "metrics"
_KEPT_HOURS = 48


class CallCounter:
    """Counts requests, retries included; the counts are in ``metrics.json`` and survive restarts.

    The reason is what the calling thread says that it does (``agent.logs.doing``).
    """

    def __init__(self, clock: Clock, documents: Documents) -> None:
        self._clock = clock
        self._documents = documents
        self._lock = threading.Lock()
        kept = documents.load(_DOCUMENT) or {}
        self._calls: dict[str, dict[str, int]] = kept.get("ec2_calls", {})
        self._hours: dict[str, int] = kept.get("ec2_calls_by_hour", {})
        self._is_saved = True

    def note(self, event_name: str, **_: object) -> None:
        """Count one request; boto3 calls this before it sends one."""
        _event, service, operation = event_name.split(".", 2)
        reason = current_activity().split(":")[0]
        name = operation if service == "ec2" else f"{service}:{operation}"
        hour = self._clock.now().strftime("%Y-%m-%dT%H")
        with self._lock:
            by_reason = self._calls.setdefault(name, {})
            by_reason[reason] = by_reason.get(reason, 0) + 1
            if service == "ec2":
                self._hours[hour] = self._hours.get(hour, 0) + 1
            self._is_saved = False
        logger.info("%s, because of %s", name, reason, extra={"action": "aws_called", "call": name})

    def snapshot(self) -> dict[str, Any]:
        """Return the counts: by name and reason, and of EC2 by hour."""
        with self._lock:
            hours = dict(sorted(self._hours.items())[-_KEPT_HOURS:])
            calls = {name: dict(reasons) for name, reasons in self._calls.items()}
        return {"ec2_calls": calls, "ec2_calls_by_hour": hours}

    def save(self) -> None:
        """Write the counts to disk if they have changed."""
        with self._lock:
            if self._is_saved:
                return
            self._is_saved = True
        self._documents.save(_DOCUMENT, self.snapshot())
