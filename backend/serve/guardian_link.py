"""Our end of the pipe to the guardian process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from backend.serve import guardian
from backend.serve.environment import python_environment


class Guardian:
    """Starts the guardian, keeps it alive and tells it what to look after."""

    def __init__(self) -> None:
        self._watched: dict[int, float] = {}
        self._final: list[list[str]] = []
        self._is_closed = False
        self._process = self._spawn()

    @property
    def pid(self) -> int:
        """Process id of the present guardian."""
        return self._process.pid

    def watch(self, group: int, stop_seconds: float) -> None:
        """Have a process group stopped when we vanish; the last one watched is stopped first."""
        self._watched[group] = stop_seconds
        self._tell(f"watch {group} {stop_seconds}")

    def forget(self, group: int) -> None:
        """Stop caring about a group that has ended. Idempotent."""
        if self._watched.pop(group, None) is not None:
            self._tell(f"forget {group}")

    def finally_run(self, command: Sequence[str]) -> None:
        """Have a command run, after all groups have ended, when we vanish."""
        self._final.append(list(command))
        self._tell(f"finally {json.dumps(list(command))}")

    def dismiss(self) -> None:
        """Drop the final commands: what they are for has been done."""
        self._final.clear()
        self._tell("dismiss")

    def check(self) -> None:
        """Replace a guardian that has died."""
        if self._process.poll() is not None and not self._is_closed:
            self._close_pipe()
            self._process = self._spawn()

    def close(self) -> None:
        """End the guardian, which stops what is still watched. It is not replaced any more."""
        self._is_closed = True
        self._close_pipe()
        self._process.wait()

    def _spawn(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - our own program, our own interpreter
            [sys.executable, "-I", "-S", guardian.__file__],
            env=python_environment(os.environ),  # for the final commands
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert process.stdin is not None  # noqa: S101 - it was asked for
        for group, stop_seconds in self._watched.items():
            process.stdin.write(f"watch {group} {stop_seconds}\n")
        for command in self._final:
            process.stdin.write(f"finally {json.dumps(command)}\n")
        process.stdin.flush()
        return process

    def _tell(self, line: str) -> None:
        self.check()
        if self._is_closed:
            return
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.check()  # the new one is told everything

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                return
