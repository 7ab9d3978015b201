"""A Modbus TCP server on a raw socket: every header as the fault wants it, late, in another order, or half.

Its units are those of ``registers``; what the host asked, and when, is kept as on the RTU bus.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from functools import partial

from .clockwork import Clockwork, now
from .manners import Manners
from .registers import LOOPBACK, READS, Asked, ModbusUnit


def mbap(transaction: int, unit: int, data: bytes) -> bytes:
    """The header (transaction, protocol 0, length, unit) and function and data."""
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


class _Connection:
    """One client. Requests are taken apart by their header's length."""

    def __init__(self, server: TcpModbus, connection: socket.socket) -> None:
        self.server = server
        self.socket = connection
        self.pending = b""
        self.made = self.heard = now()

    def fileno(self) -> int:
        return self.socket.fileno()

    def ready(self, at: float) -> None:
        try:
            data = self.socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.server.drop(self)
            return
        self.pending += data
        self.heard = at
        while len(self.pending) >= 8 and len(self.pending) >= (end := 6 + int.from_bytes(self.pending[4:6], "big")):
            request, self.pending = self.pending[:end], self.pending[end:]
            self.server.receive(self, request, at)

    def write(self, data: bytes) -> None:
        """Send; a client that has gone hears nothing."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.server.drop(self)


class TcpModbus:
    """The server. ``cut`` closes every connection; ``refuse`` closes the listening socket too,
    ``accept`` opens it again.

    ``one_at_a_time``: a gateway, whose units are on one bus behind it:
    while one is waited for the others are not asked.
    """

    def __init__(
        self, clockwork: Clockwork, units: Iterable[ModbusUnit], host: str = "127.0.0.1", port: int = 0,
        delay: float = 0.002, manners: Manners = Manners(), one_at_a_time: bool = False,
    ) -> None:
        self.clockwork = clockwork
        self.units = {unit.number: unit for unit in units}
        self.delay = delay
        self.manners = manners
        self.one_at_a_time = one_at_a_time
        self.asked: list[Asked] = []
        self.connections: list[_Connection] = []
        self.accepted = 0
        self.strays: list[bytes] = []
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._kept: socket.socket | None = None
        self.accept()

    @property
    def line(self) -> str:
        """The address the host is given."""
        return f"tcp://{self._address[0]}:{self._address[1]}"

    @property
    def writes(self) -> list[Asked]:
        """Requests that would change a device; there must be none."""
        return [asked for asked in self.asked if asked.function not in (*READS, LOOPBACK)]

    def accept(self) -> None:
        """Listen, on the same port as before."""
        with self.clockwork.lock:
            self._release()
            self._listener = socket.create_server(self._address, reuse_port=False)
            self._listener.setblocking(False)
            self._address = self._listener.getsockname()[:2]
        self.clockwork.add(self)

    def refuse(self) -> None:
        """Listen no more, and cut what there is."""
        self.clockwork.remove(self)
        with self.clockwork.lock:
            if self._listener is not None:
                # Unlike close, it also wakes whoever waits for it on another thread, so that the port is free at once.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
            self._listener = None
        self.cut()
        self._keep()

    def _keep(self) -> None:
        """Holds the port without listening: it refuses, and no other test's server can be met there meanwhile."""
        self._release()
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(self._address)

    def _release(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    def fileno(self) -> int:
        return self._listener.fileno() if self._listener is not None else -1

    def ready(self, at: float) -> None:
        if self._listener is None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(True)
        connection.settimeout(0.2)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted += 1
        made = _Connection(self, connection)
        self.connections.append(made)
        self.clockwork.add(made)
        self._watch(made)

    def _watch(self, connection: _Connection) -> None:
        """End a connection on which nothing was asked for too long."""
        if self.manners.idle is None or connection not in self.connections:
            return
        if now() >= connection.heard + self.manners.idle:
            self.drop(connection)
        else:
            self.clockwork.at(connection.heard + self.manners.idle, partial(self._watch, connection))

    def drop(self, connection: _Connection) -> None:
        """Forget a connection."""
        self.clockwork.remove(connection)
        connection.socket.close()
        if connection in self.connections:
            self.connections.remove(connection)

    def cut(self) -> None:
        """Close every connection."""
        with self.clockwork.lock:
            for connection in list(self.connections):
                self.drop(connection)

    def receive(self, connection: _Connection, request: bytes, at: float) -> None:
        """Take one request and send what its unit's fault makes of the answer."""
        transaction, protocol, length, number, function, address, count = struct.unpack(
            ">HHHBBHH", request[:12].ljust(12, b"\0")
        )
        if protocol != 0 or length != len(request) - 6:
            self.strays.append(request)
            return
        unit = self.units.get(number)
        asked = Asked(
            at, number, function, address, count, len(unit.asked) + 1 if unit else 0, request[6:], transaction
        )
        self.asked.append(asked)
        if self.manners.shy is not None and at < connection.made + self.manners.shy:
            return self.drop(connection)
        if unit is None:
            return
        sendings = unit.take(asked, lambda data: mbap(transaction, number, data))
        begin = max(
            now() + self.delay, *(one.busy_until for one in (self.units.values() if self.one_at_a_time else [unit]))
        )
        for sending in sendings:
            end = self.clockwork.send(sending.data, begin + sending.after, connection.write, gap=sending.gap)
            if sending.busy:
                unit.busy_until = max(unit.busy_until, end)
            if self.manners.one_answer:
                self.clockwork.at(end, partial(self.drop, connection))

    def stop(self) -> None:
        """Close everything."""
        self.refuse()
        self._release()
