"""A Modbus pump with the registers of a ProMinent DULCO flex: an industrial one, for training.

Facts: "A Modbus pump with a public register map". Functions 03, 06, 16 and 23; anything else is refused with
exception 1, coils and loopback among it. What they leave open, and how it is here:

* The address on the line is the register's number, unless ``offset`` is added. Capacities are per hour, volumes and
  quantities in the same unit of volume. A float's high word comes first, unless ``low_word_first``.
* Also there, as on the manual's page of identification: the serial number in 4 to 8, ten characters, and in 63 and 64
  the pattern AABBCCDD, in the order in which floats are. Both can only be read.
* One request writes one parameter, whole: half a float or several of them is exception 3, as is a number out of
  range; a gap or a register that is only to be read, exception 2. A trigger and a clearing read as 0.
* 1200: bit 0 lets it run, bit 1 turns the watchdog on: without a request for ``timeout`` seconds bit 0 is cleared.
* 1229 and 1022: 0 stopped, 1 manual (it gives the target capacity), 2 contact, 3 batch, 4 analogue (neither 2 nor 4
  gives anything here). Another mode abandons what was left of a batch; bit 0 cleared in the middle of one keeps it.
* 1235 takes 5555 hex only. In batch mode it adds a batch to what is left; so a second one is given as well. In any
  other mode, or without a volume, it is acknowledged and nothing happens. 1234: 1 and 3 clear the quantity, 0 and 2 do
  not.
* Where somebody has taken control at the pump, and under an alarm, writes are exception 4 (``refusal_code``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..clockwork import Clockwork, now
from ..links import Link
from ..registers import Asked, Sending
from ..rtu_bus import RequestFramer, RtuBus
from ..tcp_modbus import TcpModbus
from .flow import Flow
from .liar import Liar
from .orders import Key, Order

FLOATS = {1211: "CAPACITY", 1215: "BATCH_VOLUME"}
WORDS = {1200: "START_STOP", 1229: "MODE", 1234: "CLEAR", 1235: "BATCH"}
READ, WRITE_ONE, WRITE, READ_WRITE = 3, 6, 16, 23
# Functions that no unit takes for an order.
HARMLESS = {1, 2, 3, 4, 7, 8, 11, 12, 17, 20, 24, 43}
STOPPED, MANUAL, BATCH = 0, 1, 3
TRIGGER = 0x5555
UNKNOWN_FUNCTION, UNKNOWN_ADDRESS, BAD_VALUE, FAILURE = 1, 2, 3, 4


@dataclass
class DulcoState:
    """What the pump holds."""

    serial: str
    flow: Flow = field(default_factory=Flow)
    started: bool = False
    watchdog: bool = False
    asked_at: float = 0.0
    mode: int = STOPPED
    batch: float = 0.0
    alarm: bool = False
    local: bool = False


class DulcoFlex(Liar):
    """The pump as a unit of a bus or server; put it on one by ``on_rtu`` or ``on_tcp``.

    Names of its effects: START_STOP, CAPACITY, BATCH_VOLUME, MODE, CLEAR, BATCH, and what is always refused: COIL,
    FUNCTION_n, and REGISTER_n where no parameter begins there.
    """

    def __init__(self, clockwork: Clockwork, number: int = 1, serial: str = "2023000107") -> None:
        super().__init__(clockwork, DulcoState(serial))
        self.number = number
        self.asked: list[Asked] = []
        self.busy_until = 0.0
        self.offset = 0
        self.low_word_first = False
        self.max_capacity = 30.0
        self.timeout = 5.0
        self.refusal_code = FAILURE
        self._tcp = False

    @property
    def identity(self) -> str:
        """Its serial number."""
        return self.state.serial

    @identity.setter
    def identity(self, serial: str) -> None:
        self.state.serial = serial

    def take(self, asked: Asked, framed: Callable[[bytes], bytes]) -> list[Sending]:
        """Receive a request, from a bus or server."""
        self.asked.append(asked)
        self._tcp = asked.transaction is not None
        order = self.understand(asked)
        self.note(asked.at, asked.raw, order)
        self.advanced(asked.at)
        self.state.asked_at = asked.at
        asked.said = self.deal(order, asked.at, framed)
        return asked.said

    def understand(self, asked: Asked) -> Order:
        """What a request says; ``detail`` is the request, with the exception if it can only be refused."""
        if asked.function == READ:
            return Order("READ", (asked.address, asked.count), raw=asked.raw, detail=(asked, self._unreadable(asked)))
        if asked.function not in (WRITE_ONE, WRITE, READ_WRITE):
            name = "COIL" if asked.function in (5, 15) else f"FUNCTION_{asked.function}"
            return Order(name, None, asked.function not in HARMLESS, raw=asked.raw, detail=(asked, UNKNOWN_FUNCTION))
        address, words = self._written(asked)
        return self._parameter(asked, address - self.offset, words)

    @staticmethod
    def _written(asked: Asked) -> tuple[int, list[int]]:
        """From where on which words are to be written."""
        if asked.function == WRITE_ONE:
            return asked.address, [asked.count]
        start = 2 if asked.function == WRITE else 6
        address, count, size = struct.unpack(">HHB", asked.raw.ljust(11, b"\0")[start : start + 5])
        data = asked.raw[start + 5 : start + 5 + size]
        return address, list(struct.unpack(f">{count}H", data)) if len(data) == 2 * count else []

    def _parameter(self, asked: Asked, address: int, words: list[int]) -> Order:
        if address in FLOATS:
            code, argument = BAD_VALUE, None
            if len(words) == 2:
                argument = self._number(words)
                highest = self.max_capacity if address == 1211 else math.inf
                code = None if math.isfinite(argument) and 0 <= argument <= highest else BAD_VALUE
            return self._order(FLOATS[address], argument, asked, code)
        if address not in WORDS:
            return self._order(f"REGISTER_{address}", tuple(words), asked, UNKNOWN_ADDRESS)
        if len(words) != 1:
            return self._order(WORDS[address], tuple(words), asked, BAD_VALUE)
        word = words[0]
        good = {1200: word < 4, 1229: word < 5, 1234: word < 4, 1235: word == TRIGGER}[address]
        return self._order(WORDS[address], word, asked, None if good else BAD_VALUE)

    def _order(self, name: str, argument: Any, asked: Asked, code: int | None) -> Order:
        return Order(name, argument, True, raw=asked.raw, detail=(asked, code or self._unreadable(asked)))

    def _unreadable(self, asked: Asked) -> int | None:
        """The exception for what is to be read; nothing where it can be."""
        if asked.function not in (READ, READ_WRITE):
            return None
        if not 1 <= asked.count <= 125:
            return BAD_VALUE
        values = self.values()
        wanted = range(asked.address - self.offset, asked.address - self.offset + asked.count)
        return None if all(address in values for address in wanted) else UNKNOWN_ADDRESS

    def _number(self, words: list[int]) -> float:
        ordered = words[::-1] if self.low_word_first else words
        return struct.unpack(">f", struct.pack(">2H", *ordered))[0]

    def _words(self, number: float) -> list[int]:
        words = list(struct.unpack(">2H", struct.pack(">f", number)))
        return words[::-1] if self.low_word_first else words

    def values(self) -> dict[int, int]:
        """Every register that can be read, by its number."""
        state, flow = self.state, self.flow
        serial = struct.unpack(">5H", state.serial.encode("ascii")[:10].ljust(10))
        pattern = [0xCCDD, 0xAABB] if self.low_word_first else [0xAABB, 0xCCDD]
        held = {1200: state.started | state.watchdog << 1, 1229: state.mode, 1022: state.mode, 1234: 0, 1235: 0}
        actual = float(flow.rate) if flow.running else 0.0
        floats = {1211: float(flow.rate), 1215: state.batch, 1018: actual, 1036: flow.delivered}
        runs = {4: serial, 63: pattern} | {address: self._words(number) for address, number in floats.items()}
        return held | {address + index: word for address, run in runs.items() for index, word in enumerate(run)}

    def advanced(self, at: float) -> None:
        state = self.state
        due = state.asked_at + self.timeout
        if state.started and state.watchdog and at >= due:
            self.flow.advance(due)
            state.started = False
            self._settle()
        self.flow.advance(at)

    def _settle(self) -> None:
        """Whether it gives anything, as it is set now."""
        state, flow = self.state, self.flow
        able = state.started and not state.alarm and flow.rate > 0
        flow.running = able and (state.mode == MANUAL or state.mode == BATCH and bool(flow.left))

    def refuses(self, order: Order) -> bytes | None:
        asked, code = order.detail
        if code is None and order.effect and (self.state.local or self.state.alarm):
            return self.refusal(order)
        return None if code is None else bytes([asked.function | 0x80, code])

    def obey(self, order: Order) -> bool:
        state, flow, value = self.state, self.flow, order.argument
        done = True
        match order.name:
            case "START_STOP":
                state.started, state.watchdog = bool(value & 1), bool(value & 2)
            case "CAPACITY":
                flow.rate = Decimal(value)
            case "BATCH_VOLUME":
                state.batch = value
            case "MODE":
                if value != state.mode:
                    flow.left = 0.0 if value == BATCH else None
                state.mode = value
            case "CLEAR" if value in (1, 3):
                flow.delivered = 0.0
            case "BATCH" if value == TRIGGER and state.mode == BATCH and state.batch > 0:
                flow.left = (flow.left or 0.0) + state.batch
            case _:
                done = False
        self._settle()
        return done

    def answer(self, order: Order) -> bytes:
        asked = order.detail[0]
        if asked.function in (WRITE_ONE, WRITE):
            return asked.raw[1:6]  # the request itself, or its function, address and count
        values, start = self.values(), asked.address - self.offset
        words = [values[address] for address in range(start, start + asked.count)]
        return bytes([asked.function, 2 * len(words)]) + struct.pack(f">{len(words)}H", *words)

    def refusal(self, order: Order) -> bytes:
        return bytes([order.detail[0].function | 0x80, self.refusal_code])

    def alarm_answer(self, order: Order) -> bytes:
        return bytes([order.detail[0].function | 0x80, FAILURE])

    def garbled(self, reply: bytes) -> bytes:
        """Over TCP, where no checksum would show it, the function is another."""
        return reply[:7] + bytes([reply[7] ^ 0x40]) + reply[8:] if self._tcp else super().garbled(reply)

    def raise_alarm(self, code: str | None = None) -> None:
        with self.clockwork.lock:
            self.advanced(now())
            self.state.alarm = True
            self._settle()

    def clear_alarm(self) -> None:
        """Somebody clears it at the keys: it goes on as it is set."""
        with self.clockwork.lock:
            self.advanced(now())
            self.state.alarm = False
            self._settle()

    def end(self, short: float = 0.0) -> None:
        with self.clockwork.lock:
            super().end(short)
            self.state.started &= self.state.mode == BATCH

    def lose_control(self) -> None:
        with self.clockwork.lock:
            self.state.local = True

    def lose_power(self) -> None:
        super().lose_power()
        self.state.started = self.state.alarm = self.state.local = False

    def forget(self) -> None:
        self.flow.rate, self.flow.delivered, self.flow.left = Decimal(0), 0.0, None
        self.state.mode, self.state.batch = STOPPED, 0.0

    def key(self, key: Key, value) -> None:
        if key is Key.RATE:
            self.flow.rate = value
        else:
            self.state.started = key is Key.START
        self._settle()

    def release(self, write: Callable[[bytes], None]) -> None:
        """The answers that were kept back come now, in order."""
        with self.clockwork.lock:
            for data in self.held:
                write(data)
            self.held.clear()


class _Framer(RequestFramer):
    """Knows the length of function 23 as well."""

    def _length(self) -> int | None:
        if len(self._pending) > 1 and self._pending[1] == READ_WRITE:
            return 13 + self._pending[10] if len(self._pending) > 10 else None
        return super()._length()


class _Bus(RtuBus):
    """What was kept back comes as soon as anything is heard over the new line, before that is answered."""

    anew = False

    def replug(self) -> None:
        super().replug()
        self.anew = True

    def ready(self, at: float) -> None:
        for unit in self.units.values() if self.anew else ():
            unit.release(self.link.write)
        self.anew = False
        super().ready(at)


class _Server(TcpModbus):
    """What was kept back comes to whoever connects next."""

    def ready(self, at: float) -> None:
        super().ready(at)
        if self.connections:
            for unit in self.units.values():
                unit.release(self.connections[-1].write)


def on_rtu(clockwork: Clockwork, link: Link, *pumps: DulcoFlex, baud: int = 19200) -> RtuBus:
    """The pumps on a serial bus; its ``echo`` lets the adapter hear itself."""
    bus = _Bus(clockwork, link, pumps, baud)
    bus.framer = _Framer()
    return bus


def on_tcp(clockwork: Clockwork, *pumps: DulcoFlex) -> TcpModbus:
    """The pumps behind a server."""
    return _Server(clockwork, pumps)


def swap_addresses(line: RtuBus | TcpModbus, one: DulcoFlex, other: DulcoFlex) -> None:
    """Each answers at the other's number."""
    with line.clockwork.lock:
        one.number, other.number = other.number, one.number
        line.units |= {one.number: one, other.number: other}
