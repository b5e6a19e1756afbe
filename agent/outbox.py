"""Reports that must arrive: on disk until the backend has them, delivered in order.

Every report is idempotent at the backend, so one that is delivered twice because the agent
died in between does no harm.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agent.documents import Documents

logger = logging.getLogger(__name__)

_ROOM = "outbox"
_LIMIT = 200
_KEPT_OUTCOMES = 100


@dataclass(frozen=True)
class Report:
    """Something to deliver; ``path`` is below the agent's own address, percent-encoded.

    ``key`` names it: while one of that key waits, putting it again changes nothing. A
    droppable report makes room for later ones when the outbox is full. ``may_be_unknown`` says that
    the backend may never have heard of its subject, so that "not found" is an answer.
    """

    key: str
    path: str
    body: Mapping[str, Any]
    method: str = "POST"
    is_droppable: bool = False
    may_be_unknown: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a report: the backend's answer, or the reason of its refusal."""

    answer: Any = None
    refusal: str | None = None


class Outbox:
    """The queue on disk. Thread-safe; one thread delivers."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Report] = OrderedDict()
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._listeners: list[Callable[[], None]] = []
        for name in documents.names(_ROOM):
            content = documents.load(name)
            if content is not None:
                self._waiting[name] = Report(**content)
        last = next(reversed(self._waiting), f"{_ROOM}/0")
        self._number = int(last.rpartition("/")[2])

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this whenever a report was put in or delivered."""
        self._listeners.append(listener)

    def put(self, report: Report) -> None:
        """Keep a report for delivery; when this returns it survives a crash."""
        with self._lock:
            if any(report.key == waiting.key for waiting in self._waiting.values()):
                return
            self._make_room()
            self._add(report)
            self._outcomes.pop(report.key, None)
        self._notify()

    def first(self) -> tuple[str, Report] | None:
        """Return the report whose turn it is, with the name to settle it by."""
        with self._lock:
            return next(iter(self._waiting.items()), None)

    def settle(self, name: str, outcome: Outcome) -> None:
        """Forget a report that was delivered, or refused for good."""
        with self._lock:
            report = self._waiting.get(name)
            if report is not None:
                self._documents.remove(name)
                del self._waiting[name]
                self._outcomes[report.key] = outcome
                while len(self._outcomes) > _KEPT_OUTCOMES:
                    self._outcomes.popitem(last=False)
        self._notify()

    def postpone(self, name: str) -> None:
        """Let the others go first."""
        with self._lock:
            report = self._waiting.get(name)
            if report is not None:
                self._add(report)
                self._documents.remove(name)
                del self._waiting[name]

    def outcome(self, key: str) -> Outcome | None:
        """Return what became of a report that this process has seen off; None until then."""
        with self._lock:
            return self._outcomes.get(key)

    def is_waiting(self, key: str) -> bool:
        """Tell whether a report of this key still has to be delivered."""
        with self._lock:
            return any(key == report.key for report in self._waiting.values())

    def unacknowledged(self) -> list[str]:
        """Return the commands whose end the backend has yet to hear of."""
        with self._lock:
            keys = [report.key.partition(":") for report in self._waiting.values()]
        return [command_id for kind, _, command_id in keys if kind == "executed"]

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)

    def _add(self, report: Report) -> None:
        self._number += 1
        name = f"{_ROOM}/{self._number:012d}"
        self._documents.save(name, asdict(report))
        self._waiting[name] = report

    def _make_room(self) -> None:
        while len(self._waiting) >= _LIMIT:
            oldest = next(iter(self._waiting))
            name = next((n for n, r in self._waiting.items() if r.is_droppable), oldest)
            report = self._waiting.pop(name)
            self._documents.remove(name)
            logger.error(
                "The outbox is full: %s is lost",
                report.key,
                extra={"action": "report_dropped", "report": report.key},
            )

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
