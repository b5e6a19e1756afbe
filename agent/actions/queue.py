"""What is to be done next, by urgency; and the checkpoints at which work lets go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from agent.clock import Clock
from agent.errors import Parked, Superseded

EMERGENCY = 100
_LONGEST_NAP = 60.0


@dataclass(frozen=True)
class Job:
    """A command that is due at a monotonic instant."""

    command_id: str
    priority: int
    due_at: float


class ActionQueue:
    """Jobs for the one action thread: the most urgent that is due first, then the oldest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._is_stopping = False

    def put(self, command_id: str, priority: int, *, after: float = 0.0) -> None:
        """Add a job that is due in so many seconds; one that waits already can only get earlier."""
        with self._changed:
            due_at = self._clock.monotonic() + after
            waiting = next((job for job in self._jobs if job.command_id == command_id), None)
            if waiting is not None and waiting.due_at > due_at:
                self._jobs.remove(waiting)
                waiting = None
            if waiting is None:
                self._jobs.append(Job(command_id, priority, due_at))
                self._changed.notify_all()

    def take(self) -> str | None:
        """Wait for a job and return its command; None when the agent stops."""
        with self._changed:
            while not self._is_stopping:
                due = self._due()
                if due:
                    job = max(due, key=lambda one: one.priority)
                    self._jobs.remove(job)
                    return job.command_id
                self._changed.wait(self._nap())
            return None

    def stop(self) -> None:
        """Hand out nothing more, and let the running job park."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def nudge(self) -> None:
        """Let whoever waits look again: the role has changed, or a report was delivered."""
        with self._changed:
            self._changed.notify_all()

    def must_yield(self, priority: int) -> bool:
        """Tell whether a job of this priority has to let go now."""
        with self._changed:
            return self._is_stopping or any(
                job.priority >= EMERGENCY > priority for job in self._due()
            )

    def wait(self, seconds: float) -> None:
        """Wait that long, or until something changes."""
        with self._changed:
            if not self._is_stopping:
                self._changed.wait(seconds)

    def _due(self) -> list[Job]:
        now = self._clock.monotonic()
        return [job for job in self._jobs if job.due_at <= now]

    def _nap(self) -> float:
        now = self._clock.monotonic()
        return min((job.due_at - now for job in self._jobs), default=_LONGEST_NAP)


class Checkpoint:
    """Where a job looks up from its work; every wait of a job goes through one."""

    def __init__(
        self, queue: ActionQueue, clock: Clock, priority: int, is_retired: Callable[[], bool]
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._priority = priority
        self._is_retired = is_retired

    def check(self) -> None:
        """Go on, or let go.

        Raises:
            Parked: the agent stops, or an emergency waits.
            Superseded: this instance is not to act any more.
        """
        if self._queue.must_yield(self._priority):
            raise Parked("parked; the journal knows how to go on")
        if self._is_retired():
            raise Superseded("this instance was superseded")

    def wait(self, seconds: float) -> None:
        """Wait, and look up at once when something changes. Raises as ``check`` does."""
        until = self._clock.monotonic() + seconds
        self.check()
        while (left := until - self._clock.monotonic()) > 0:
            self._queue.wait(left)
            self.check()

    def unfenced(self) -> Checkpoint:
        """Return a checkpoint for undoing and reporting, which a retired instance still does."""
        return Checkpoint(self._queue, self._clock, self._priority, lambda: False)
