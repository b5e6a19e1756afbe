"""Tells systemd how this program does: started, alive, about to end (``sd_notify``)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping


class ServiceManager:
    """Speaks to whoever started this program; silent where nobody listens.

    Each word is one datagram to ``NOTIFY_SOCKET``. A lost one does no harm: ``alive`` is said
    every second, and the unit's watchdog waits a minute.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with @ for its leading zero byte.
        self._address = "\0" + name[1:] if name.startswith("@") else name

    def ready(self) -> None:
        """Say that the start is over."""
        self._say("READY=1")

    def alive(self) -> None:
        """Say that all is well; who stops saying it is killed and started again."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._say("STOPPING=1")

    def _say(self, word: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link,
        ):
            link.setblocking(False)
            link.sendto(word.encode("ascii"), self._address)
