"""A Graseby 3400 syringe pump that is driven over its serial line.

Frame: ``<`` text ``>``, two upper-case hex digits of the sum of all bytes from ``<`` to ``>``, carriage return. Answer:
``OK`` or ``CE``, the four letters of the command, STBY, INFS or ALRM, and data. Facts: P3 and its vectors. What they
leave open, and how it is here:

* START pressed at the keys, whether it runs or not, disables the interface: from then on everything is answered CE
  with the state, questions and STOP too, and nothing is obeyed. Other keys do not. Only a restart gives the interface
  back.
* ``CHKR`` says OK to any rate that would be accepted; that is no proof of what is set. With ``chkr_compares`` it says
  OK only to the rate that is set.
* ``GETR`` tells the rate, ``TOTL`` the total, both in tenths, decimal, without leading zeros (``total_scale`` for the
  total). No other answer carries data.
* There is no limit of volume in the protocol. What ends by itself is the syringe: with ``syringe`` ml in it, it raises
  an alarm when they are given.
* A rate of nothing or above ``max_rate``, a start without a rate or under an alarm: CE. A damaged frame: silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ..clockwork import Clockwork, now
from ..links import Link
from .flow import Flow
from .orders import Key, Order
from .serial_device import SerialDevice

EFFECTS = {"STRT", "STOP", "CHGR", "ZTOT"}
COMMANDS = EFFECTS | {"CHKR", "GETR", "TOTL", "CHCK"}
WITH_NUMBER = {"CHGR", "CHKR"}


def frame(text: str) -> bytes:
    """A text as it goes over the line."""
    data = f"<{text}>".encode("ascii")
    return data + b"%02X\r" % (sum(data) & 0xFF)


@dataclass
class GrasebyState:
    """What the pump holds. ``interface``: whether it listens to the line."""

    flow: Flow = field(default_factory=Flow)
    interface: bool = True
    alarm: bool = False


class Graseby3400(SerialDevice):
    """The pump. Names of its effects: STRT, STOP, CHGR, ZTOT. It tells no serial number: swap the lines."""

    def __init__(
        self, clockwork: Clockwork, link: Link, syringe: float | None = None, baud: int = 9600,
        turnaround: float = 0.002,
    ) -> None:
        super().__init__(clockwork, link, GrasebyState(Flow(left=syringe)), baud, turnaround)
        self.max_rate = Decimal("1200")
        self.total_scale = 10
        self.chkr_compares = False

    def cut(self) -> bytes | None:
        if b"\r" not in self.pending:
            return None
        raw, self.pending = self.pending.split(b"\r", 1)
        return raw + b"\r"

    def understand(self, raw: bytes) -> Order | None:
        start = raw.rfind(b"<")
        text = raw[start + 1 : -4].decode("ascii", "replace")
        if start < 0 or not text.isascii() or raw[start:] != frame(text):
            return None
        name, number = text[:4], text[4:]
        if name not in COMMANDS or (name in WITH_NUMBER) != number.isdecimal() or not number.isdecimal() and number:
            return None
        return Order(name, Decimal(number) / 10 if number else None, name in EFFECTS, raw=raw)

    def advanced(self, at: float) -> None:
        if self.flow.advance(at):
            self.state.alarm = True

    def end(self, short: float = 0.0) -> None:
        with self.clockwork.lock:
            super().end(short)
            self.state.alarm = True

    def refuses(self, order: Order) -> bytes | None:
        state = self.state
        fine = {
            "STRT": not state.alarm and self.flow.rate > 0,
            "CHGR": order.argument is not None and 0 < order.argument <= self.max_rate,
            "CHKR": order.argument is not None and (
                order.argument == self.flow.rate if self.chkr_compares else 0 < order.argument <= self.max_rate
            ),
        }.get(order.name, True)
        return None if state.interface and fine else self.refusal(order)

    def obey(self, order: Order) -> bool:
        match order.name:
            case "STRT":
                self.flow.running = True
            case "STOP":
                self.flow.running = False
            case "CHGR":
                self.flow.rate = order.argument
            case "ZTOT":
                self.flow.delivered = 0.0
        return True

    def _status(self) -> str:
        return "ALRM" if self.state.alarm else "INFS" if self.flow.running else "STBY"

    def answer(self, order: Order) -> bytes:
        data = ""
        if order.name == "GETR":
            data = f"{self.flow.rate * 10:.0f}"
        elif order.name == "TOTL":
            data = f"{int(self.flow.delivered * self.total_scale + 1e-9)}"
        return frame(f"OK{order.name}{self._status()}{data}")

    def refusal(self, order: Order) -> bytes:
        return frame(f"CE{order.name}{self._status()}")

    def alarm_answer(self, order: Order) -> bytes:
        return frame(f"CE{order.name}ALRM")

    def raise_alarm(self, code: str | None = None) -> None:
        with self.clockwork.lock:
            self.advanced(now())
            self.state.alarm = True
            self.flow.running = False

    def clear_alarm(self) -> None:
        """Somebody clears it at the keys."""
        with self.clockwork.lock:
            self.state.alarm = False

    def lose_control(self) -> None:
        with self.clockwork.lock:
            self.state.interface = False

    def lose_power(self) -> None:
        super().lose_power()
        self.state.interface = True
        self.state.alarm = False

    def forget(self) -> None:
        self.flow.rate, self.flow.delivered = Decimal(0), 0.0

    def key(self, key: Key, value) -> None:
        super().key(key, value)
        if key is Key.START:
            self.state.interface = False
