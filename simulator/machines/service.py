"""A pretend systemd for one program: started after boot, started again whenever it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from simulator.machines import tether
from simulator.machines.disks import CONSOLE


class Service:
    """The agent's process on one machine. Used by one thread only: the kernel ties it to that.

    Times are monotonic seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Callable[[], Mapping[str, str]],
        disk: Path,
        *,
        starts_at: float,
        restart_seconds: float,
    ) -> None:
        self._command = list(command)
        self._environment = environment  # read at every start, as systemd reads its files
        self._disk = disk
        self._starts_at = starts_at
        self._restart_seconds = restart_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.start_count = 0

    @property
    def pid(self) -> int | None:
        """Process id, None while it does not run."""
        return self._process.pid if self._process else None

    def look(self, now: float) -> None:
        """Reap the process if it has ended; start it when its time has come."""
        if self._process is not None and self._process.poll() is not None:
            self._clear()
            self._starts_at = now + self._restart_seconds
        if self._process is None and now >= self._starts_at:
            self._start()

    def crash(self, now: float) -> None:
        """Kill the process hard; it will be started again. Without one, do nothing."""
        if self._process is not None:
            self._clear()
            self._starts_at = now + self._restart_seconds

    def freeze(self, *, is_frozen: bool) -> bool:
        """Send SIGSTOP or SIGCONT to the program and its children; return whether it ran."""
        if self._process is None or self._process.poll() is not None:
            return False
        os.killpg(self._process.pid, signal.SIGSTOP if is_frozen else signal.SIGCONT)
        return True

    def stop(self) -> None:
        """Cut the power. Idempotent."""
        self._clear()
        self._starts_at = float("inf")

    def _start(self) -> None:
        with (self._disk / CONSOLE).open("ab") as console:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the operator's own
                [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self._command],
                env=dict(self._environment()),
                cwd=self._disk,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.start_count += 1

    def _clear(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)  # hooks that it has started, too
        except (ProcessLookupError, PermissionError):
            pass  # the usual case when it had ended: the group is empty
        finally:
            process.wait()
