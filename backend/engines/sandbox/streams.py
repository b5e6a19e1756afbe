"""Sockets and descriptors as streams of messages."""

import os
import socket


class SocketStream:
    """A connected socket; its timeout bounds every single read and write."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        return self._connection.recv(size)

    def write(self, data: bytes, /) -> int:
        """Send some of the bytes and return how many."""
        return self._connection.send(data)


class DescriptorStream:
    """An open descriptor, through ``read`` and ``write`` only: confined code has nothing else."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        return os.read(self._descriptor, size)

    def write(self, data: bytes, /) -> int:
        """Send some of the bytes and return how many."""
        return os.write(self._descriptor, data)
