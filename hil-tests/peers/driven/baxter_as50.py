"""A Baxter AS50 syringe pump that is driven over its serial line, as far as that goes: it can be neither started nor
stopped over it. A bolus can be started, and ends by itself only.

Frame: ``[`` text ``]`` and two raw bytes of CRC-16/XMODEM over the brackets and what is between, either of which may
itself be a bracket. Facts: P2 and its vectors. What they leave open, and how it is here:

* Answers: ``[ACK]`` to what was obeyed, ``[NAME=value]`` to a question, ``[REJECT]`` to what it will not do.
* ``STATUS`` is STOP, RUN, BOLUS or ALARM; ``DEV`` is ``device``, without a serial number.
* While it gives a bolus it gives nothing else, and rejects every setting. ``BOLSIZ=0``, or a bolus under an alarm or
  while another runs, is rejected. ``LBOLUS`` is what the last bolus, or the one that runs, has given.
* ``PRIVTBI`` is a limit, counts down, and ends the primary infusion. ``BOLRAT`` can be asked, not set.
* Any message takes control and ``EXIT`` gives it back; so the next one takes it again. Where somebody has locked it at
  the keys (``lose_control``) settings and boluses are rejected until ``give_back``.
* A damaged frame is answered ``[RESEND]`` and not obeyed. ``[RESEND]`` from the other side brings the last answer once
  more; nothing is done a second time.
* An alarm in place of the answer is ``[STATUS=ALARM]``.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from decimal import Decimal

from ..clockwork import Clockwork, now
from ..links import Link
from .flow import Flow, number
from .orders import Order
from .serial_device import SerialDevice

SETTINGS = {"PRIRATE", "PRIVTBI", "BOLSIZ"}
QUESTIONS = SETTINGS | {"DEV", "STATUS", "BOLRAT", "LBOLUS"}


def frame(text: str) -> bytes:
    """A text in brackets as it goes over the line."""
    data = f"[{text}]".encode("ascii")
    return data + binascii.crc_hqx(data, 0).to_bytes(2, "big")


@dataclass
class BaxterState:
    """What the pump holds. ``flow`` is the primary infusion, whose counter has the boluses in it."""

    device: str = "AS50"
    flow: Flow = field(default_factory=Flow)
    bolus: Flow = field(default_factory=lambda: Flow(Decimal("100"), left=0.0))
    size: Decimal = Decimal(0)
    remote: bool = False
    locked: bool = False
    alarm: bool = False


class BaxterAS50(SerialDevice):
    """The pump. Names of its effects: PRIRATE, PRIVTBI, BOLSIZ, BOLST, and EXIT of the session."""

    def __init__(
        self, clockwork: Clockwork, link: Link, device: str = "AS50", baud: int = 9600, turnaround: float = 0.002
    ) -> None:
        super().__init__(clockwork, link, BaxterState(device), baud, turnaround)
        self.max_rate = Decimal("500")
        self.max_bolus = Decimal("50")
        self.refusal_text = "REJECT"
        self._said = b""

    @property
    def identity(self) -> str:
        """What it says that it is."""
        return self.state.device

    @identity.setter
    def identity(self, device: str) -> None:
        self.state.device = device

    def cut(self) -> bytes | None:
        end = self.pending.find(b"]")
        if end < 0 or len(self.pending) < end + 3:
            return None
        raw, self.pending = self.pending[: end + 3], self.pending[end + 3 :]
        return raw

    def understand(self, raw: bytes) -> Order | None:
        start = raw.rfind(b"[", 0, len(raw) - 2)
        text = raw[start + 1 : -3].decode("ascii", "replace")
        if start < 0 or not text.isascii() or raw[start:] != frame(text):
            return None
        if text in ("BOLST", "EXIT", "RESEND"):
            return Order(text, None, text != "RESEND", text == "EXIT", raw)
        if text.endswith("?") and text[:-1] in QUESTIONS:
            return Order(text[:-1], raw=raw)
        name, equals, value = text.partition("=")
        if not equals or name not in SETTINGS:
            return Order(text, raw=raw, detail="unknown")
        return Order(name, number(value), True, raw=raw)

    def stray_answer(self, raw: bytes) -> bytes:
        return frame("RESEND")

    def advanced(self, at: float) -> None:
        bolus, flow = self.state.bolus, self.flow
        if bolus.running:
            ends = bolus.at + (bolus.seconds_left() or 0.0)
            before = bolus.delivered
            bolus.haste, flow.at = flow.haste, max(flow.at, min(at, ends))
            bolus.advance(at)
            flow.delivered += bolus.delivered - before
        bolus.at = max(bolus.at, at)
        flow.advance(at)

    @property
    def infusing(self) -> bool:
        with self.clockwork.lock:
            return super().infusing or self.state.bolus.running

    def end(self, short: float = 0.0) -> None:
        """A bolus, where one runs, has been given; else the primary infusion ends at its limit."""
        with self.clockwork.lock:
            self.advanced(now())
            bolus = self.state.bolus
            if not bolus.running:
                return super().end(short)
            given = max(0.0, (bolus.left or 0.0) - short)
            self.flow.delivered += given
            bolus.delivered += given
            bolus.left, bolus.running = 0.0, False

    def refuses(self, order: Order) -> bytes | None:
        state = self.state
        if order.detail == "unknown":
            return self.refusal(order)
        if not order.effect or order.session:
            return None
        told = order.argument if isinstance(order.argument, Decimal) else Decimal(-1)
        fine = {
            "PRIRATE": 0 < told <= self.max_rate, "PRIVTBI": told > 0, "BOLSIZ": 0 < told <= self.max_bolus,
            "BOLST": state.size > 0 and not state.alarm,
        }[order.name]
        return None if fine and not state.locked and not state.bolus.running else self.refusal(order)

    def obey(self, order: Order) -> bool:
        state = self.state
        match order.name:
            case "PRIRATE":
                self.flow.rate = order.argument
            case "PRIVTBI":
                self.flow.left = float(order.argument)
            case "BOLSIZ":
                state.size = order.argument
            case "BOLST":
                state.bolus.delivered, state.bolus.left, state.bolus.running = 0.0, float(state.size), True
        state.remote = order.name != "EXIT"
        return True

    def answer(self, order: Order) -> bytes:
        state, flow = self.state, self.flow
        if order.name == "RESEND":
            return self._said
        if order.effect:
            return self._remembered("ACK")
        state.remote = True
        value = {
            "DEV": state.device, "STATUS": self._status(), "PRIRATE": str(flow.rate), "BOLSIZ": str(state.size),
            "PRIVTBI": f"{flow.left or 0.0:.1f}", "BOLRAT": str(state.bolus.rate),
            "LBOLUS": f"{state.bolus.delivered:.2f}",
        }[order.name]
        return self._remembered(f"{order.name}={value}")

    def _status(self) -> str:
        if self.state.alarm:
            return "ALARM"
        return "BOLUS" if self.state.bolus.running else "RUN" if self.flow.running else "STOP"

    def _remembered(self, text: str) -> bytes:
        self._said = frame(text)
        return self._said

    def refusal(self, order: Order) -> bytes:
        return self._remembered(self.refusal_text)

    def alarm_answer(self, order: Order) -> bytes:
        return self._remembered("STATUS=ALARM")

    def raise_alarm(self, code: str | None = None) -> None:
        with self.clockwork.lock:
            self.advanced(now())
            self.state.alarm = True
            self.flow.running = self.state.bolus.running = False

    def clear_alarm(self) -> None:
        """Somebody clears it at the keys."""
        with self.clockwork.lock:
            self.state.alarm = False

    def lose_control(self) -> None:
        with self.clockwork.lock:
            self.state.locked, self.state.remote = True, False

    def give_back(self) -> None:
        """Somebody unlocks it at the keys."""
        with self.clockwork.lock:
            self.state.locked = False

    def lose_power(self) -> None:
        super().lose_power()
        self.state.bolus.running = self.state.remote = self.state.alarm = False

    def forget(self) -> None:
        self.flow.rate, self.flow.delivered, self.flow.left = Decimal(0), 0.0, None
        self.state.size, self.state.bolus.delivered = Decimal(0), 0.0

    def key(self, key, value) -> None:
        super().key(key, value)
        if not self.flow.running:
            self.state.bolus.running = False
