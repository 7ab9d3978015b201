"""A text device on a socket: what a terminal server, or a device with a port of its own, is to the host."""

from __future__ import annotations

import socket

from .clockwork import Clockwork, now
from .links import Link
from .manners import Manners


class TcpLink(Link):
    """Listens, and has one connection at a time; another client waits until the first has gone.

    ``accepted`` counts the connections.
    """

    def __init__(self, clockwork: Clockwork, manners: Manners = Manners()) -> None:
        self.clockwork = clockwork
        self.manners = manners
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._connection: socket.socket | None = None
        self._made = self._heard = 0.0
        self.path = "tcp://{}:{}".format(*self._listener.getsockname()[:2])

    def fileno(self) -> int:
        return (self._connection or self._listener).fileno()

    def read(self) -> bytes:
        if self._connection is None:
            self._accept()
            return b""
        try:
            data = self._connection.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self._heard = now()
        if not data or (self.manners.shy is not None and self._heard < self._made + self.manners.shy):
            self.drop()
            return b""
        return data

    def _accept(self) -> None:
        try:
            self._connection, _ = self._listener.accept()
        except OSError:
            return
        self._connection.setblocking(False)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted += 1
        self._made = self._heard = now()
        self._watch(self._connection)

    def _watch(self, connection: socket.socket) -> None:
        """End a connection on which nothing was asked for too long."""
        if self.manners.idle is None or connection is not self._connection:
            return
        if now() >= self._heard + self.manners.idle:
            self.drop()
        else:
            self.clockwork.at(self._heard + self.manners.idle, lambda: self._watch(connection))

    def write(self, data: bytes) -> None:
        if self._connection is None:
            return
        try:
            self._connection.sendall(data)
        except OSError:
            self.drop()
        if self.manners.one_answer:
            self.drop()

    def drop(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def close(self) -> None:
        self.drop()
        self._listener.close()
