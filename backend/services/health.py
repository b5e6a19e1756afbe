"""Is this node alive, is it ready, and which part is not? Never slow, whatever hangs."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import DatabaseError
from backend.repositories import freezes, health

logger = logging.getLogger(__name__)

CACHE_SECONDS = 1.0  # a load balancer that asks often costs one probe a second
LONGEST_WAIT_SECONDS = 2.0  # below the usual probe timeouts of 3 to 5 s
LARGEST_CLOCK_DIFFERENCE = timedelta(seconds=1)
SCHEDULER_SILENT_AFTER = timedelta(minutes=2)  # the most frequent jobs run every 10 to 60 s

PendingMigrations = Callable[[Session], list[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was looked at. ``is_vital``: without it the node is not ready."""

    is_ok: bool
    state: str
    is_vital: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe found, by the name of the part."""

    at: datetime
    parts: dict[str, Part]

    @property
    def is_ready(self) -> bool:
        """Whether this node should get traffic."""
        return all(part.is_ok for part in self.parts.values() if part.is_vital)

    def as_dict(self) -> dict[str, Any]:
        """Return the parts as the wire shows them."""
        return {name: {"ok": p.is_ok, "state": p.state} for name, p in self.parts.items()}


class HealthService:
    """Probes the database in a thread of its own, at most once a second. Thread-safe."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pending_migrations: PendingMigrations,
        further_parts: Callable[[], dict[str, Part]] = dict,
    ) -> None:
        self._database = database
        self._further_parts = further_parts
        self._clock = clock
        self._pending_migrations = pending_migrations
        self._lock = threading.Lock()
        self._last: tuple[float, Health] | None = None
        self._running: threading.Event | None = None

    def check(self) -> Health:
        """Return the present health; a database that does not answer in 2 s counts as down."""
        with self._lock:
            if self._last and self._clock.monotonic() - self._last[0] < CACHE_SECONDS:
                return self._last[1]
            if self._running is None:
                self._running = threading.Event()
                threading.Thread(
                    target=self._probe, args=(self._running,), name="health-probe", daemon=True
                ).start()
            finished = self._running
        if finished.wait(LONGEST_WAIT_SECONDS) and self._last:
            return self._last[1]
        return self._down(f"no answer in {LONGEST_WAIT_SECONDS:g} s")

    def _probe(self, finished: threading.Event) -> None:
        found = self._down("the probe failed")
        try:
            found = self._measure()
        except DatabaseError as error:
            logger.warning("The health probe failed: %s", error, extra={"action": "probe_failed"})
            found = self._down(error.message)
        finally:
            with self._lock:
                self._last = (self._clock.monotonic(), found)
                self._running = None
            finished.set()

    def _measure(self) -> Health:
        with self._database.session() as session:
            before = self._clock.now()
            server = health.read_server(session)
            now = self._clock.now()
            middle = before + (now - before) / 2
            parts = {
                "database": Part(is_ok=True, state="connected"),
                "migrations": self._migrations(session),
                "clock": _clock_part(abs(middle - server["now"])),
            }
            if parts["migrations"].is_ok:
                last_start = health.find_last_job_start(session)
                parts["scheduler"] = _scheduler_part(last_start, server["now"])
                parts["freeze"] = _freeze_part(freezes.count_frozen(session))
            parts["event_scheduler"] = _events_part(str(server["event_scheduler"]))
        return Health(now, {**parts, **self._further_parts()})

    def _migrations(self, session: Session) -> Part:
        try:
            pending = self._pending_migrations(session)
        except DatabaseError:
            return Part(is_ok=False, state="the schema is not installed")
        if pending:
            return Part(is_ok=False, state=f"pending: {', '.join(pending)}")
        return Part(is_ok=True, state="current")

    def _down(self, reason: str) -> Health:
        return Health(self._clock.now(), {"database": Part(is_ok=False, state=reason)})


def _clock_part(difference: timedelta) -> Part:
    seconds = difference.total_seconds()
    return Part(
        is_ok=difference <= LARGEST_CLOCK_DIFFERENCE,
        state=f"{seconds:.3f} s from the database",
    )


def _scheduler_part(last_start: datetime | None, now: datetime) -> Part:
    is_alive = last_start is not None and now - last_start < SCHEDULER_SILENT_AFTER
    return Part(is_ok=is_alive, state="running" if is_alive else "no scheduler", is_vital=False)


def _freeze_part(frozen: Row) -> Part:
    level = frozen["level"] or "none"
    found = [f"everything: {level}"] if level != "none" else []
    found += [
        f"{frozen[what]} {what if frozen[what] > 1 else what[:-1]}"
        for what in ("clients", "agents")
        if frozen[what]
    ]
    state = f"frozen ({', '.join(found)})" if found else "nothing is frozen"
    return Part(is_ok=not found, state=state, is_vital=False)


def _events_part(value: str) -> Part:
    is_on = value.upper() in {"ON", "1"}
    return Part(is_ok=is_on, state="on" if is_on else "off: the jobs do its work", is_vital=False)
