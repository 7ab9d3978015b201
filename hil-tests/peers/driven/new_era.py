"""A New Era NE-1000 syringe pump that is driven over its serial line, in its basic and in its safe mode.

Basic: text and a carriage return; spaces, control characters and the case do not matter. Safe: 02, the number of bytes
that remain (this one included), text, CRC-16/XMODEM of the text high byte first, 03. Answer: the address in two digits,
the status, data; between 02 and 03, or in a safe packet. Facts: P6 and its vectors. What they leave open, and how it is
here:

* A safe packet is understood in either mode; a text is not in safe mode. The answer to ``SAF`` is in the mode that it
  has set. ``SAF`` of 1 to 255 is safe mode with that watchdog, ``SAF0`` is basic mode.
* The watchdog counts from the last whole packet for this pump. When it runs out the pump stops, the program is ended
  and alarm T is raised, whether it ran or not; it counts again from the next packet. It does not count after a restart.
* Half a safe packet is given up after 0.5 s. A damaged one is answered ``?COM`` in safe mode, and keeps no watchdog
  quiet.
* An alarm is told once, in place of the answer to whatever is sent next, which is not obeyed. With ``tells_alarms`` it
  is also told unasked in safe mode, which does not clear it. A restart raises alarm R and keeps the mode.
* ``STP`` while it runs pauses, while it is paused ends the program, else ``?NA``. ``RUN`` goes on with a paused program
  and what was left of its volume, else begins anew, counting the volume from nothing; without a rate ``?NA``.
* While it runs ``VOL``, ``DIA``, ``DIR`` and ``CLD`` are ``?NA``, and so is ``RAT`` unless ``rate_while_running``.
* More than four digits, three decimals or ``max_rate``, and a rate of nothing: ``?OOR``. What is unknown: ``?``.
* The STOP key pauses, and ends what is paused, as ``STP`` does. It knows no remote control that could be lost.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from ..clockwork import Clockwork, now
from ..links import Link
from ..registers import Sending
from .flow import Flow
from .orders import Key, Order
from .serial_device import SerialDevice

STX, ETX = b"\x02", b"\x03"
RATES = {"UM": Decimal("0.06"), "MM": Decimal(60), "UH": Decimal("0.001"), "MH": Decimal(1)}
VOLUMES = {"ML": Decimal(1), "UL": Decimal("0.001")}
COMMAND = re.compile(r"(\d{0,2})(VER|RAT|VOL|DIA|DIR|RUN|STP|DIS|CLD|SAF|PUR)?([^ ]*)")
NUMBER = re.compile(r"(?=\.?\d)(\d*)(?:\.(\d*))?([A-Z]*)")
EFFECTS = {"RUN", "STP", "PUR"}
NUMBERED = {"RAT", "VOL", "DIA", "SAF"}


def packet(text: str) -> bytes:
    """A text as a safe packet."""
    data = text.encode("ascii")
    return STX + bytes([len(data) + 4]) + data + binascii.crc_hqx(data, 0).to_bytes(2, "big") + ETX


def four_digits(number: Decimal) -> str:
    """At most four digits with a point, at most three behind it; what is more is cut off."""
    for places in (3, 2, 1, 0):
        cut = number.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)
        if cut < 10 ** (4 - places):
            return f"{cut}" if places else f"{cut}."
    return "9999."


@dataclass
class NewEraState:
    """What the pump holds. ``program``: S ended, I runs, P paused. ``watchdog`` in s; it is due at ``due``."""

    address: int
    flow: Flow = field(default_factory=Flow)
    program: str = "S"
    safe: bool = False
    watchdog: int = 0
    due: float | None = None
    alarm: str | None = None
    rate_unit: str = "MH"
    volume: Decimal = Decimal(0)
    volume_unit: str = "ML"
    diameter: Decimal = Decimal("26.59")
    direction: str = "INF"
    withdrawn: float = 0.0


class NewEra1000(SerialDevice):
    """The pump. Names of its effects: RAT, VOL, DIA, DIR, RUN, STP, CLD (and PUR, always refused), of the session: SAF.
    Rates are in ml/h and volumes in ml, whatever the unit in which they were told.
    """

    patience = 0.5

    def __init__(
        self, clockwork: Clockwork, link: Link, address: int = 0, baud: int = 19200, turnaround: float = 0.002
    ) -> None:
        super().__init__(clockwork, link, NewEraState(address), baud, turnaround)
        self.version = "NE1000V3.928"
        self.max_rate = Decimal("1500")
        self.rate_while_running = False
        self.tells_alarms = False
        self.alarm_code = "S"

    @property
    def identity(self) -> int:
        """Its address."""
        return self.state.address

    @identity.setter
    def identity(self, address: int) -> None:
        self.state.address = address

    def cut(self) -> bytes | None:
        if self.state.safe and self.pending and self.pending[:1] != STX:
            start = self.pending.find(STX)
            noise = self.pending if start < 0 else self.pending[:start]
            self.note(now(), noise, None)
            self.pending = self.pending[len(noise) :]
        if self.pending[:1] == STX:
            end = 1 + self.pending[1] if len(self.pending) > 1 else 2
        else:
            end = self.pending.find(b"\r") + 1 or len(self.pending) + 1
        if not self.pending or len(self.pending) < end:
            return None
        raw, self.pending = self.pending[:end], self.pending[end:]
        return raw

    def give_up(self, at: float) -> None:
        if self.pending[:1] == STX:
            super().give_up(at)

    def _text(self, raw: bytes) -> str | None:
        if raw[:1] == STX:
            text = raw[2:-3].decode("latin-1")
            return text if text.isascii() and raw == packet(text) else None
        return "".join(chr(byte) for byte in raw if 0x20 < byte < 0x7F).upper()

    def understand(self, raw: bytes) -> Order | None:
        text = self._text(raw)
        match = COMMAND.fullmatch(text) if text is not None else None
        if match is None or int(match[1] or 0) != self.state.address:
            return None
        name, rest = match[2] or "", match[3]
        effect = name in EFFECTS or bool(name and rest)
        unknown = "?" if rest and name not in (*NUMBERED, "DIR", "CLD") else ""
        order = Order(name, rest or None, effect, name == "SAF", raw, unknown)
        return self._numbered(order) if name in NUMBERED and rest else order

    def _numbered(self, order: Order) -> Order:
        """The order with its number; ``detail`` is its unit, or the error."""
        rest, units = order.argument, {"RAT": RATES, "VOL": VOLUMES}.get(order.name, {"": Decimal(1)})
        if rest in units and order.name == "VOL":
            return Order("VOL", None, True, raw=order.raw, detail=rest)
        match = NUMBER.fullmatch(rest)
        if match is None or match[3] and match[3] not in units:
            return Order(order.name, rest, True, order.session, order.raw, "?")
        whole, behind, unit = match[1], match[2] or "", match[3]
        unit = unit or {"RAT": self.state.rate_unit, "VOL": self.state.volume_unit}.get(order.name, "")
        value = Decimal(f"{whole or 0}.{behind or 0}") * units[unit]
        fits = len(whole) + len(behind) <= 4 and len(behind) <= 3
        fits &= {"RAT": 0 < value <= self.max_rate, "SAF": value <= 255 and not behind}.get(order.name, True)
        return Order(order.name, value, True, order.session, order.raw, unit if fits else "?OOR")

    def stray_answer(self, raw: bytes) -> bytes:
        damaged = self.state.safe and raw[:1] == STX and self._text(raw) is None
        return self._framed(self._with_status("?COM")) if damaged else b""

    def deal(self, order: Order, at: float, framed: Callable[[bytes], bytes] | None = None) -> list[Sending]:
        self.advanced(at)
        if at >= self.up_at:
            self._watch(at)
        return super().deal(order, at, self._framed)

    def _watch(self, at: float) -> None:
        """Let the watchdog count from here."""
        self.state.due = at + self.state.watchdog if self.state.watchdog else None
        if self.state.due is not None and self.tells_alarms:
            self.clockwork.at(self.state.due + 0.001, lambda: self.advanced(now()))

    def _framed(self, text: bytes) -> bytes:
        return packet(text.decode()) if self.state.safe else STX + text + ETX

    def advanced(self, at: float) -> None:
        state, flow = self.state, self.flow
        due = state.due
        for moment in ([due] if due is not None and due <= at else []) + [at]:
            before = flow.delivered
            if flow.advance(moment):
                state.program = "S"
            if state.direction == "WDR":
                state.withdrawn += flow.delivered - before
                flow.delivered = before
            if moment == due and state.due is not None:
                state.due = None
                self.raise_alarm("T")

    def refuses(self, order: Order) -> bytes | None:
        state = self.state
        if state.alarm:
            return self.alarm_answer(order)
        if order.detail in ("?", "?OOR"):
            return self._with_status(order.detail)
        if order.name == "PUR" or order.name in ("DIR", "CLD") and order.argument not in (None, "INF", "WDR"):
            return self._with_status("?")
        running = state.program == "I"
        fine = {
            "RUN": self.flow.rate > 0 and not running, "STP": state.program != "S", "SAF": True,
            "RAT": not running or self.rate_while_running,
        }.get(order.name, not running)
        return None if fine or not order.effect else self._with_status("?NA")

    def obey(self, order: Order) -> bool:
        state, flow, value = self.state, self.flow, order.argument
        match order.name:
            case "RAT":
                flow.rate, state.rate_unit = value, order.detail
            case "VOL":
                state.volume, state.volume_unit = state.volume if value is None else value, order.detail
            case "DIA":
                state.diameter = value
            case "DIR":
                state.direction = value
            case "CLD" if value == "INF":
                flow.delivered = 0.0
            case "CLD":
                state.withdrawn = 0.0
            case "SAF":
                state.watchdog, state.safe = int(value), value > 0
                self._watch(now())
            case "RUN":
                self._run()
            case "STP":
                self._pause()
        return True

    def _run(self) -> None:
        if self.state.program == "S":
            self.flow.left = float(self.state.volume) or None
        self.state.program, self.flow.running = "I", True

    def _pause(self) -> None:
        self.state.program, self.flow.running = "P" if self.state.program == "I" else "S", False

    def _with_status(self, data: str = "") -> bytes:
        status = "W" if self.state.program == "I" and self.state.direction == "WDR" else self.state.program
        return f"{self.state.address:02d}{status}{data}".encode()

    def answer(self, order: Order) -> bytes:
        state, flow = self.state, self.flow
        if order.effect:
            return self._with_status()
        volume = VOLUMES[state.volume_unit]
        given, drawn = (four_digits(Decimal(one) / volume) for one in (flow.delivered, state.withdrawn))
        return self._with_status({
            "VER": self.version, "DIA": four_digits(state.diameter), "DIR": state.direction, "SAF": str(state.watchdog),
            "RAT": four_digits(flow.rate / RATES[state.rate_unit]) + state.rate_unit,
            "VOL": four_digits(state.volume / volume) + state.volume_unit,
            "DIS": f"I{given}W{drawn}{state.volume_unit}",
        }.get(order.name, ""))

    def refusal(self, order: Order) -> bytes:
        return self._with_status("?NA")

    def alarm_answer(self, order: Order) -> bytes:
        told, self.state.alarm = self.state.alarm, None
        return f"{self.state.address:02d}A?{told}".encode()

    def raise_alarm(self, code: str | None = None) -> None:
        with self.clockwork.lock:
            self.state.alarm = code or self.alarm_code
            self.state.program, self.flow.running = "S", False
            if self.tells_alarms and self.state.safe:
                self.send([Sending(self._framed(f"{self.state.address:02d}A?{self.state.alarm}".encode()))])

    def end(self, short: float = 0.0) -> None:
        with self.clockwork.lock:
            super().end(short)
            self.state.program = "S"

    def lose_power(self) -> None:
        self.state.due, self.state.program, self.state.alarm, self.flow.running = None, "S", "R", False

    def forget(self) -> None:
        self.flow.rate, self.flow.delivered, self.flow.left = Decimal(0), 0.0, None
        self.state.volume, self.state.withdrawn = Decimal(0), 0.0

    def key(self, key: Key, value) -> None:
        if key is Key.RATE:
            self.flow.rate = value
        elif key is Key.START:
            self._run()
        else:
            self._pause()
