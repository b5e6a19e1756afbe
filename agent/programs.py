"""Programs of the host's owner: started, watched without waiting, and ended."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping

logger = logging.getLogger(__name__)

_SECRETS = frozenset({"SPOT_OPTIMIZER_CLIENT_TOKEN"})
_LONGEST_LINE = 4096


class Program:
    """One run of a program. No method waits for it; the owner calls ``stop`` in the end."""

    def __init__(
        self, command: str, facts: Mapping[str, str], *, reads_output: bool = False
    ) -> None:
        """Start it.

        Args:
            command: Program and arguments; no shell.
            facts: Environment variables on top of our own.
            reads_output: Whether ``lines`` is going to be called.
        """
        environ = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        self._rest = b""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the host's owner wrote it
                shlex.split(command),
                env={**environ, **facts},
                start_new_session=True,
                stdout=subprocess.PIPE if reads_output else None,
            )
        except (OSError, ValueError) as error:
            logger.error(  # noqa: TRY400 - its text may hold what the command line holds
                "A program cannot be started: %s", type(error).__name__,
                extra={"action": "program_not_started"},
            )  # fmt: skip
            return
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)

    def code(self) -> int | None:
        """Return the exit status; None while it runs, -1 when it could not be started."""
        return -1 if self._process is None else self._process.poll()

    def lines(self) -> list[str]:
        """Return the lines that it wrote since the last call."""
        if self._process is None or self._process.stdout is None:
            return []
        text = self._rest + (self._process.stdout.read() or b"")
        *whole, self._rest = text.split(b"\n")
        self._rest = self._rest[-_LONGEST_LINE:]
        return [line.decode(errors="replace") for line in whole]

    def stop(self) -> None:
        """End it, with everything that it started, and clean up after it. Repeatable."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
