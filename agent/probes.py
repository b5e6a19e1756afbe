"""Questions to a new instance: is the program on it ready?"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus

_SECONDS = 1.0  # so that whoever waits looks up at least once a second
_POLL_SECONDS = 0.2

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def accepts_connections(address: str, port: int) -> bool:
    """Tell whether something listens on a TCP port."""
    try:
        with socket.create_connection((address, port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def answers_well(url: str) -> bool:
    """Tell whether an HTTP address answers with a 2xx status; proxies are not used."""
    try:
        with _opener.open(url, timeout=_SECONDS) as response:
            return bool(HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES)
    except (OSError, ValueError):
        return False


def succeeds(
    command: str, facts: dict[str, str], seconds: float, wait: Callable[[float], None]
) -> bool:
    """Tell whether a program of the user ends with status 0.

    Args:
        command: Program and arguments; no shell.
        facts: Environment variables on top of our own.
        seconds: After these it is killed and counts as failed.
        wait: Waits between looks; when it raises, the program is killed.
    """
    secrets = {"SPOT_OPTIMIZER_CLIENT_TOKEN"}
    environ = {name: value for name, value in os.environ.items() if name not in secrets}
    try:
        process = subprocess.Popen(  # noqa: S603 - the host's owner wrote it
            shlex.split(command), env={**environ, **facts}, start_new_session=True
        )
    except OSError:
        return False
    try:
        for _ in range(max(1, int(seconds / _POLL_SECONDS))):
            if process.poll() is not None:
                break
            wait(_POLL_SECONDS)
        return process.poll() == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
