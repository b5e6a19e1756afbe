"""Child processes of ``serve``: each in a process group of its own, none of them forgotten."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.serve.guardian_link import Guardian

FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
STABLE_SECONDS = 60.0  # a child that lived so long starts with a clean record


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run, and how long it may take to stop after SIGTERM."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_seconds: float


class Child:
    """One supervised process and its record. Times are monotonic seconds."""

    def __init__(self, spec: ChildSpec, guardian: Guardian) -> None:
        self.spec = spec
        self.death_count = 0
        self._deaths_in_a_row = 0
        self._guardian = guardian
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._restart_at = 0.0

    @property
    def pid(self) -> int | None:
        """Process id, None while it does not run."""
        return self._process.pid if self._process else None

    def start(self, now: float) -> None:
        """Start the process in a new session, so that only we pass signals on."""
        self._process = subprocess.Popen(  # noqa: S603 - commands are made in this package
            list(self.spec.command),
            env=dict(self.spec.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started_at = now
        self._guardian.watch(self._process.pid, self.spec.stop_seconds)

    def check(self, now: float) -> int | None:
        """Look after the process: note its death, start it again when the time has come.

        Returns:
            The exit status if it has died since the last look, else None.
        """
        if self._process is None:
            if now >= self._restart_at:
                self.start(now)
            return None
        status = self._process.poll()
        if status is None:
            return None
        self._clear()
        self.death_count += 1
        self._deaths_in_a_row = (
            1 if now - self._started_at >= STABLE_SECONDS else self._deaths_in_a_row + 1
        )
        self._restart_at = now + restart_delay_seconds(self._deaths_in_a_row)
        return status

    def stop(self) -> bool:
        """SIGTERM, patience, SIGKILL; return whether it ended by itself. Idempotent."""
        if self._process is None:
            return True
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(self.spec.stop_seconds)
        except subprocess.TimeoutExpired:
            self._clear()
            return False
        self._clear()
        return True

    def _clear(self) -> None:
        """End what the process has left in its group: workers of a web server killed hard."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # the usual case: the group is empty
        finally:
            process.wait()
            self._guardian.forget(process.pid)


def restart_delay_seconds(deaths_in_a_row: int) -> float:
    """Return the pause before the next start: doubling from half a second, at most 30 s."""
    return min(FIRST_RESTART_SECONDS * 2.0 ** min(deaths_in_a_row - 1, 10), LONGEST_RESTART_SECONDS)
