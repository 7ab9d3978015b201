"""A SunTech NIBP Advantage module: a cuff that is driven. It inflates, measures and deflates by the clock.

Frame: 3A and a command to the module, 3E and the number of all bytes from it; the sum of all bytes is nothing modulo
256. Facts: P16 and its vectors. What they leave open, and how it is here:

* Abort is 3A 79 01 00, and the short answers are 3E 04 and a letter: O taken, K done, A aborted, B busy, E an error, N
  not understood; both as drivers in public hosts have them, not from the facts. Only an adult's start (20) is one; the
  starts for children and the newborn (87, 28) and a reset (8A) are heard, counted, and answered N.
* A start while it measures, or while there is pressure in the cuff, is busy. So is the question for the result while it
  measures. An abort with nothing to abort is answered A and does nothing.
* A result is the last one for ever: nothing in it tells which measurement it is of, but every measurement here has its
  own values, ``values``. Before the first all of it is 0. After an abort all is 0 but the error, ``ABORTED``.
* Pneumatics are heard and counted, answered K, and change nothing here. With ``tells_end`` the end of a measurement is
  told unasked by K.
* It gives nothing, so there is no volume, and knows no remote control that could be lost.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from ..clockwork import Clockwork, now
from ..links import Link
from ..registers import Sending
from .flow import Flow
from .orders import Key, Order
from .serial_device import SerialDevice

LENGTHS = {0x20: 3, 0x28: 3, 0x87: 3, 0x8A: 3, 0x79: 5, 0x0C: 6}
NAMES = {
    b"\x20": "START", b"\x79\x01\x00": "ABORT", b"\x79\x05\x00": "PRESSURE", b"\x79\x03\x00": "RESULT",
    b"\x28": "START_NEWBORN", b"\x87": "START_CHILD", b"\x8a": "RESET",
}
KNOWN = {"START", "ABORT", "PRESSURE", "RESULT", "PNEUMATICS"}
ABORTED = 0x56
ERROR = 0x02


def summed(body: bytes) -> bytes:
    """A packet and the byte that makes the sum of all nothing."""
    return body + bytes([-sum(body) & 0xFF])


def letter(which: str) -> bytes:
    """A short answer."""
    return summed(b"\x3e\x04" + which.encode("ascii"))


def values(measurement: int) -> tuple[int, int, int, int, int]:
    """Systolic, diastolic, beats, rate and mean of the n-th measurement."""
    more = measurement - 1
    return 115 + more, 74 + more, 30, 85 + more, 88 + more


@dataclass
class CuffState:
    """What the module holds. ``started``: since when it measures. ``dumping``: since when, and from which pressure."""

    flow: Flow = field(default_factory=Flow)
    started: float | None = None
    dumping: tuple[float, float] = (0.0, 0.0)
    measured: int = 0
    result: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    status: int = 0
    error: int = 0


class SunTechCuff(SerialDevice):
    """The module. Names of its effects: START, ABORT, PNEUMATICS, and what is always refused. Times in s."""

    patience = 0.5

    def __init__(self, clockwork: Clockwork, link: Link, baud: int = 9600, turnaround: float = 0.002) -> None:
        super().__init__(clockwork, link, CuffState(), baud, turnaround)
        self.inflate, self.deflate, self.dump = 5.0, 20.0, 2.0
        self.peak = 180.0
        self.values = values
        self.tells_end = False

    def cut(self) -> bytes | None:
        start = self.pending.find(b"\x3a")
        noise, self.pending = (self.pending, b"") if start < 0 else (self.pending[:start], self.pending[start:])
        if noise:
            self.note(now(), noise, None)
        if len(self.pending) < 2:
            return None
        length = LENGTHS.get(self.pending[1], len(self.pending))
        if len(self.pending) < length:
            return None
        raw, self.pending = self.pending[:length], self.pending[length:]
        return raw

    def understand(self, raw: bytes) -> Order | None:
        if sum(raw) & 0xFF or raw[1] not in LENGTHS:
            return None
        command = raw[1:-1]
        if command[0] == 0x0C:
            return Order("PNEUMATICS", tuple(command[1:]), True, raw=raw)
        name = NAMES.get(command, "UNKNOWN")
        return Order(name, None, name not in ("PRESSURE", "RESULT", "UNKNOWN"), raw=raw)

    @property
    def measuring(self) -> bool:
        """Whether a measurement is under way."""
        with self.clockwork.lock:
            self.advanced(now())
            return self.state.started is not None

    @property
    def pressure(self) -> float:
        """What is in the cuff now, in mmHg."""
        with self.clockwork.lock:
            self.advanced(now())
            return self._pressure(now())

    def _pressure(self, at: float) -> float:
        state = self.state
        if state.started is None:
            since, from_pressure = state.dumping
            return max(0.0, from_pressure * (1 - (at - since) / self.dump))
        done = at - state.started
        if done < self.inflate:
            return self.peak * done / self.inflate
        return max(0.0, self.peak * (1 - (done - self.inflate) / self.deflate))

    def advanced(self, at: float) -> None:
        state = self.state
        if state.started is not None and at >= state.started + self.inflate + self.deflate:
            self._finish(at, 0)

    def _finish(self, at: float, error: int) -> None:
        """A measurement ends, with an error or a result."""
        state = self.state
        state.dumping, state.started = (at, self._pressure(at)), None
        state.measured += not error
        state.result = (0, 0, 0, 0, 0) if error else self.values(state.measured)
        state.status, state.error = int(not error), error
        if self.tells_end and not error:
            self.send([Sending(letter("K"))])

    def refuses(self, order: Order) -> bytes | None:
        if order.name not in KNOWN:
            return letter("N")
        busy = order.name in ("START", "RESULT") and self.state.started is not None
        return letter("B") if busy or order.name == "START" and self._pressure(now()) > 0 else None

    def obey(self, order: Order) -> bool:
        at = now()
        if order.name == "ABORT":
            if self.state.started is None:
                return False
            self._finish(at, ABORTED)
        elif order.name == "START":
            self._start(at)
        return True

    def _start(self, at: float) -> None:
        self.state.started = at
        if self.tells_end:
            self.clockwork.at(at + self.inflate + self.deflate + 0.001, lambda: self.advanced(now()))

    def answer(self, order: Order) -> bytes:
        if order.name == "PRESSURE":
            return summed(b"\x3e\x05" + round(self._pressure(now())).to_bytes(2, "little"))
        if order.name == "RESULT":
            return self._result()
        return letter({"START": "O", "ABORT": "A"}.get(order.name, "K"))

    def _result(self) -> bytes:
        systolic, diastolic, beats, rate, mean = self.state.result
        code = b"\0\0\0\0\0\0\x31\x07" if self.state.status else bytes(8)
        return summed(b"\x3e\x18" + struct.pack(
            "<HHBB8sHHB2x", systolic, diastolic, beats, self.state.status, code, rate, mean, self.state.error
        ))

    def refusal(self, order: Order) -> bytes:
        return letter("B")

    def alarm_answer(self, order: Order) -> bytes:
        return letter("E")

    def raise_alarm(self, code: str | None = None) -> None:
        self.end()

    def end(self, short: float = 0.0) -> None:
        """What it measures ends by itself, with an error and without a result."""
        with self.clockwork.lock:
            self.advanced(now())
            if self.state.started is not None:
                self._finish(now(), ERROR)

    def lose_power(self) -> None:
        if self.state.started is not None:
            self._finish(now(), ERROR)

    def forget(self) -> None:
        self.state.result, self.state.status, self.state.error = (0, 0, 0, 0, 0), 0, 0

    def key(self, key: Key, value) -> None:
        assert key is not Key.RATE, "a cuff has no rate"
        if key is Key.START and self.state.started is None:
            self._start(now())
        elif key is Key.STOP and self.state.started is not None:
            self._finish(now(), ABORTED)
