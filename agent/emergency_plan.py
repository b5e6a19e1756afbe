"""The plan for the worst day: what this host does when EC2 takes it and the backend is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from agent.backend_client.fallback import Plan, parse_plan
from agent.documents import Documents

logger = logging.getLogger(__name__)

_DOCUMENT = "emergency_plan"
_VERSION = 1


class PlanBook:
    """Keeps the last plan on disk. Thread-safe."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._lock = threading.Lock()
        kept = documents.load(_DOCUMENT)
        is_known = isinstance(kept, dict) and kept.get("version") == _VERSION
        self._data: Mapping[str, Any] = kept["plan"] if is_known else {}

    @property
    def current(self) -> Plan | None:
        """The plan; None while the backend has never sent one."""
        return parse_plan(self._data)

    def keep(self, data: Mapping[str, Any] | None) -> None:
        """Take a plan over; None says that the last one stands."""
        with self._lock:
            if data is None or data == self._data:
                return
            if parse_plan(data) is None:
                logger.warning(
                    "An emergency plan that cannot be followed is passed over",
                    extra={"action": "plan_refused", "plan": dict(data)},
                )
                return
            self._documents.save(_DOCUMENT, {"version": _VERSION, "plan": dict(data)})
            self._data = data
