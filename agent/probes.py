"""Questions to a new instance: is the program on it ready?"""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus

from agent.programs import Program

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
    program = Program(command, facts)
    try:
        for _ in range(max(1, int(seconds / _POLL_SECONDS))):
            if program.code() is not None:
                break
            wait(_POLL_SECONDS)
        return program.code() == 0
    finally:
        program.stop()
