"""Modbus units whose every value tells which register it is of and in answer to which request it was told.

A value is ``tag << bits | number``: the tag names the register, the number counts the requests that
its unit has received. So a value that was told for another register, or in answer to an earlier
request, is known wherever it turns up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

READ_HOLDING, READ_INPUT, LOOPBACK = 3, 4, 8
READS = (1, 2, 3, 4)
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


@dataclass(frozen=True)
class Sending:
    """Bytes, when they begin after the moment an undisturbed reply would, and the gap between them when they dribble.

    ``busy``: the device does nothing else until they are out.
    """

    data: bytes
    after: float = 0.0
    gap: float | None = None
    busy: bool = True


@dataclass
class Asked:
    """A request as a unit received it. ``reply`` is what it truthfully says; ``said`` what the fault made of it."""

    at: float
    unit: int
    function: int
    address: int
    count: int
    number: int
    raw: bytes
    transaction: int | None = None
    reply: bytes = b""
    said: list[Sending] = field(default_factory=list)
    dropped: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """What is asked for."""
        return self.function, self.address, self.count

    def covers(self, function: int, address: int) -> bool:
        """Whether a register is among those asked for."""
        return self.function == function and self.address <= address < self.address + self.count


# What becomes of a reply: given the request, with the truthful reply in it, what is sent.
Fault = Callable[[Asked], list[Sending]]


def honest(asked: Asked) -> list[Sending]:
    """No fault."""
    return [Sending(asked.reply)] if asked.reply else []


class Registers:
    """The registers of one unit, each value as described above. An address that is
    not there is refused with exception 2.
    """

    def __init__(self, addresses: dict[int, Iterable[int]], first_tag: int = 1, bits: int = 12) -> None:
        places = [(function, address) for function in sorted(addresses) for address in sorted(addresses[function])]
        self.bits = bits
        self.tags = {place: first_tag + index for index, place in enumerate(places)}
        assert max(self.tags.values(), default=0) << bits <= 0xFFFF, "more tags than the bits have room for"
        self.illegal: set[tuple[int, int]] = set()

    def value(self, function: int, address: int, number: int) -> int | None:
        """What the register holds at the request of this number; nothing where there is no such register."""
        tag = self.tags.get((function, address))
        if tag is None or (function, address) in self.illegal:
            return None
        return tag << self.bits | number & (1 << self.bits) - 1

    def told(self, value: int) -> tuple[tuple[int, int] | None, int]:
        """Which register a value is of, and the request's number as far as its bits go."""
        names = {tag: place for place, tag in self.tags.items()}
        return names.get(value >> self.bits), value & (1 << self.bits) - 1


class Held(Registers):
    """Registers that hold what they are told to hold, and do not count;
    ``at`` may give them by the request's number.
    """

    def __init__(
        self, values: dict[tuple[int, int], int], at: Callable[[int], dict[tuple[int, int], int]] | None = None
    ) -> None:
        super().__init__({})
        self.values = dict(values)
        self._at = at

    def value(self, function: int, address: int, number: int) -> int | None:
        held = self._at(number) | self.values if self._at else self.values
        return None if (function, address) in self.illegal else held.get((function, address))

    def put_float(self, function: int, address: int, bits: int) -> None:
        """A pair of registers, the high one first, from the bits of a 32-bit number."""
        self.values |= {(function, address): bits >> 16, (function, address + 1): bits & 0xFFFF}


def float_bits(number: float) -> int:
    """The bits of a 32-bit floating-point number."""
    return struct.unpack(">I", struct.pack(">f", number))[0]


class ModbusUnit:
    """One unit: its registers, how it treats loopback and requests that come while it is busy, and its fault.

    ``busy``: ``queue`` answers what came meanwhile afterwards, in order; ``drop`` never heard it.
    ``loopback``: ``answers``, ``refused`` (exception 1) or ``silent``.
    ``refuses``: gives the exception with which a request is answered that is otherwise in order;
    nothing where it is answered.
    """

    def __init__(self, number: int, registers: Registers, loopback: str = "answers", busy: str = "queue") -> None:
        assert loopback in ("answers", "refused", "silent") and busy in ("queue", "drop")
        self.number = number
        self.registers = registers
        self.loopback = loopback
        self.busy = busy
        self.fault: Fault = honest
        self.refuses: Callable[[Asked], int | None] = lambda asked: None
        self.asked: list[Asked] = []
        self.busy_until = 0.0

    @property
    def reads(self) -> list[Asked]:
        """Requests for registers."""
        return [asked for asked in self.asked if asked.function in READS]

    def data(self, asked: Asked) -> bytes:
        """Function and data of the truthful answer; nothing where there is none."""
        if asked.function == LOOPBACK:
            if self.loopback == "answers":
                return bytes([LOOPBACK]) + asked.raw[2:6]
            return self.refusal(asked, ILLEGAL_FUNCTION) if self.loopback == "refused" else b""
        if asked.function not in (READ_HOLDING, READ_INPUT):
            return self.refusal(asked, ILLEGAL_FUNCTION)
        if (code := self.refuses(asked)) is not None:
            return self.refusal(asked, code)
        if not 1 <= asked.count <= 125:
            return self.refusal(asked, ILLEGAL_VALUE)
        places = range(asked.address, asked.address + asked.count)
        values = [self.registers.value(asked.function, address, asked.number) for address in places]
        if any(value is None for value in values):
            return self.refusal(asked, ILLEGAL_ADDRESS)
        return bytes([asked.function, 2 * asked.count]) + struct.pack(f">{asked.count}H", *values)

    @staticmethod
    def refusal(asked: Asked, code: int) -> bytes:
        """Function and data of an exception."""
        return bytes([asked.function | 0x80, code])

    def take(self, asked: Asked, framed: Callable[[bytes], bytes]) -> list[Sending]:
        """Receive a request; gives what is sent for it, or nothing if it is dropped.
        ``framed`` makes the frame of an answer.
        """
        self.asked.append(asked)
        if asked.at < self.busy_until and self.busy == "drop":
            asked.dropped = True
            return []
        data = self.data(asked)
        asked.reply = framed(data) if data else b""
        asked.said = self.fault(asked)
        return asked.said
