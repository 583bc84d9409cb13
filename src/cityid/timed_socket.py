"""A connection with one deadline over all that is read from it and written to it.

The time limit of a socket is one for each single read: whoever drips a byte a second is never
late. Here what is left until the deadline is the limit of each read.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class TimedSocket:
    """What `http.client` needs of a socket, until a deadline.

    Args:
        connection: The socket; whoever connected closes it.
        deadline: When all must be done, by `time.monotonic`.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def sendall(self, data: bytes) -> None:
        """Send all of some bytes.

        Raises:
            OSError: They could not be sent, or not in time (`TimeoutError`).
        """
        self._connection.settimeout(left(self._deadline))
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - http.client reads bytes alone
        """Return a reader of what comes."""
        return io.BufferedReader(_TimedReader(self._connection, self._deadline))

    def close(self) -> None:
        """Do nothing: http.client closes before the body is read."""


class _TimedReader(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(left(self._deadline))
        return self._connection.recv_into(buffer)


def left(deadline: float) -> float:
    """Return how many seconds are left until a deadline.

    Args:
        deadline: The deadline, by `time.monotonic`.

    Raises:
        TimeoutError: None is left.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
