"""A Modbus RTU bus with several units on it, byte by byte: its own framer, its own CRC, and every fault by a callable.

Servers of libraries cannot play this: they are built to do right. Here a unit's reply is whatever its ``fault`` makes
of it, at the moment it says; what the host asked, and when, is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from .clockwork import Clockwork, now
from .links import Link
from .registers import LOOPBACK, READS, Asked, ModbusUnit, Sending

# Requests of fixed length, CRC included; 15 and 16 say their length.
FIXED = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 8: 8, 11: 4, 12: 4, 17: 4}
COUNTED = {15: 6, 16: 6}


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS as it goes over the line: the low byte first."""
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            carry = remainder & 1
            remainder >>= 1
            if carry:
                remainder ^= 0xA001
    return remainder.to_bytes(2, "little")


def frame(unit: int, data: bytes) -> bytes:
    """Unit, function and data, CRC."""
    body = bytes([unit]) + data
    return body + crc(body)


def read_request(unit: int, function: int, address: int, count: int) -> bytes:
    """What a master sends to read registers."""
    return frame(unit, struct.pack(">BHH", function, address, count))


class RequestFramer:
    """Cuts the host's bytes into requests by their length; what is no whole request is kept in ``strays``.

    A silence longer than ``silence`` ends a request that was begun, as on a real bus.
    """

    def __init__(self, silence: float = 0.05) -> None:
        self.silence = silence
        self.strays: list[bytes] = []
        self._pending = b""
        self._last = 0.0

    def feed(self, data: bytes, at: float) -> list[bytes]:
        """The whole requests, in order."""
        if self._pending and at - self._last > self.silence:
            self._give_up()
        self._last = at
        self._pending += data
        found = []
        while (length := self._length()) is not None and len(self._pending) >= length:
            candidate, self._pending = self._pending[:length], self._pending[length:]
            if candidate[-2:] == crc(candidate[:-2]):
                found.append(candidate)
            else:
                self._pending = candidate + self._pending
                self._give_up()
        return found

    def _length(self) -> int | None:
        if len(self._pending) < 2:
            return None
        function = self._pending[1]
        if function in COUNTED:
            return None if len(self._pending) <= COUNTED[function] else 9 + self._pending[COUNTED[function]]
        return FIXED.get(function, 256)

    def _give_up(self) -> None:
        self.strays.append(self._pending)
        self._pending = b""


class RtuBus:
    """The bus: units by their number, and what all of them share.

    ``echo``: called with the number of each chunk of bytes that came; where it says true, the same bytes come back at
    once, as from a two-wire adapter that hears itself.
    """

    def __init__(
        self, clockwork: Clockwork, link: Link, units: Iterable[ModbusUnit], baud: int = 38400,
        turnaround: float = 0.003,
    ) -> None:
        self.clockwork = clockwork
        self.link = link
        self.units = {unit.number: unit for unit in units}
        self.twins: list[ModbusUnit] = []
        self.byte_time = 10 / baud
        self.turnaround = turnaround
        self.framer = RequestFramer()
        self.asked: list[Asked] = []
        self.echo: Callable[[int], bool] | None = None
        self._chunks = 0
        clockwork.add(self)

    @property
    def writes(self) -> list[Asked]:
        """Requests that would change a device, or that the bus did not understand as reads; there must be none."""
        return [asked for asked in self.asked if asked.function not in (*READS, LOOPBACK)]

    def fileno(self) -> int:
        return self.link.fileno()

    def ready(self, at: float) -> None:
        data = self.link.read()
        if not data:
            return
        self._chunks += 1
        if self.echo is not None and self.echo(self._chunks):
            self.link.write(data)
        for request in self.framer.feed(data, at):
            self._receive(request, at)

    def _receive(self, request: bytes, at: float) -> None:
        unit, function, address, count = struct.unpack(">BBHH", request[:6].ljust(6, b"\0"))
        for device in [self.units.get(unit), *(twin for twin in self.twins if twin.number == unit)]:
            if device is None:
                continue
            asked = Asked(at, unit, function, address, count, len(device.asked) + 1, request)
            if device not in self.twins:
                self.asked.append(asked)
            sendings = device.take(asked, lambda data: frame(unit, data))
            self._send(device, sendings, len(request))
        if unit not in self.units:
            self.asked.append(Asked(at, unit, function, address, count, 0, request))

    def _send(self, device: ModbusUnit, sendings: list[Sending], request_length: int) -> None:
        wire = 0.0 if self.link.wire_paces else self.byte_time
        silence = max(3.5 * self.byte_time, 0.00175)
        begin = max(now() + request_length * wire + silence, device.busy_until) + self.turnaround
        for sending in sendings:
            end = self.put(sending.data, begin + sending.after, sending.gap)
            if sending.busy:
                device.busy_until = max(device.busy_until, end)

    def put(self, data: bytes, begin: float, gap: float | None = None) -> float:
        """Put bytes on the line from a moment on, at the bus's pace or dribbling; gives when the last one is out."""
        return self.clockwork.send(data, begin, self.link.write, 0.0 if self.link.wire_paces else self.byte_time, gap)

    def say(self, data: bytes) -> None:
        """Put bytes on the line now, whoever they are from."""
        with self.clockwork.lock:
            self.put(data, now())

    def unplug(self) -> None:
        """Pull the adapter out."""
        with self.clockwork.lock:
            self.link.unplug()

    def replug(self) -> None:
        """Plug it back in."""
        with self.clockwork.lock:
            self.link.replug()

    def stop(self) -> None:
        """Take it off the clockwork."""
        self.clockwork.remove(self)
        self.link.close()
