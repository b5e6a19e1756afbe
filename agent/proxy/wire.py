"""One HTTP/1.1 connection, either side of it: bytes of a socket to events of h11 and back."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Any

import h11

from agent.clock import Clock

_PIECE = 65_536
_LARGEST_HEAD = 32_768
_LINGER_PIECES, _LINGER_SECONDS = 64, 0.5
_CONTINUE = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")


class Wire:
    """Sends and receives events. h11 refuses what breaks the protocol, on both sides.

    Every method that touches the socket raises OSError (a timeout is one) and, for bytes that are
    no HTTP, ``h11.RemoteProtocolError``.
    """

    def __init__(self, link: socket.socket, *, is_server: bool, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self.has_ended = False  # the other side sends no more
        self._protocol = h11.Connection(
            h11.SERVER if is_server else h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD
        )
        with contextlib.suppress(OSError):  # a socket pair has no such option
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, seconds: float) -> Any:
        """Return what comes next, complete within ``seconds``."""
        until = self._clock.monotonic() + seconds
        while True:
            event = self._protocol.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._protocol.they_are_waiting_for_100_continue:
                self.send(_CONTINUE, seconds)
            left = until - self._clock.monotonic()
            if left <= 0:
                raise socket.timeout("nothing complete in time")
            self._link.settimeout(left)
            data = self._link.recv(_PIECE)
            self.has_ended = not data
            self._protocol.receive_data(data)

    def send(self, event: h11.Event, seconds: float) -> None:
        """Send an event; the other side has ``seconds`` to take it."""
        data = self._protocol.send(event)
        if data:
            self._link.settimeout(seconds)
            self._link.sendall(data)

    def has_news(self) -> bool:
        """Tell whether the other side has sent something, or hung up."""
        poll = select.poll()
        poll.register(self._link, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0))

    @property
    def can_answer(self) -> bool:
        """Whether an answer may still be begun here."""
        return self._protocol.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def next_cycle(self) -> bool:
        """Make ready for another request; False when this connection has served its purpose."""
        states = (self._protocol.our_state, self._protocol.their_state)
        if states != (h11.DONE, h11.DONE):
            return False
        self._protocol.start_next_cycle()
        return True

    def hang_up(self) -> None:
        """Wake whoever waits on this connection, in any thread."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def close(self, *, politely: bool = False) -> None:
        """Close. Politely: what the other side still sends is read first for a moment.

        Closing over unread bytes would reset the connection, and the answer with it.
        """
        with contextlib.suppress(OSError), self._link:
            if politely:
                self._link.shutdown(socket.SHUT_WR)
                self._link.settimeout(_LINGER_SECONDS)
                for _ in range(_LINGER_PIECES):
                    if not self._link.recv(_PIECE):
                        break
