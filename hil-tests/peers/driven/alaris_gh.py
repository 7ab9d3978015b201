"""An Alaris Asena GH syringe pump that is driven over its serial line.

Frame: ``!`` payload ``|`` four upper-case hex digits of CRC-16/CCITT-FALSE over the payload, carriage return; ESC
aborts what was begun. Facts: P1 and its vectors. What they leave open, and how it is here:

* A command without control, with the wrong code, out of range, or not to be obeyed now: silence, and nothing is done.
  No word of refusal is known; where it is to refuse aloud it begins the frame and aborts it by ESC.
* Control: taken and renewed by ``REMOTE_CTRL^ENABLED`` with the CRC of the serial number, and by nothing else. It
  lapses after ``control_timeout``. What runs then goes on; ``lapse_stops`` lets it stop. A stop needs control as well.
  A restart ends it. A key press does not, unless ``keys_end_control``.
* Mode: only the word SET is known, so it says SET whether it runs or not, unless ``modes`` is given another word. The
  rate it tells is the one that is set, whether it runs or not.
* The limit counts down while it gives. When it is reached the pump stands still and raises no alarm, so that nothing
  tells of the end but the volume, and a limit of 0.000.
* ``INF_START`` without a rate, with a limit of nothing, or under an alarm does nothing. ``INF_BOLUS`` only enables.
* An alarm in place of the answer is the answer to ALARM. It is cleared by ``clear_alarm`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ..alaris import crc16_ccitt_false, frame
from ..clockwork import Clockwork, now
from ..links import Link
from .flow import Flow, number
from .orders import Order
from .serial_device import SerialDevice

SESSION = {"REMOTE_CTRL", "REMOTE_CFG", "REMQUERY"}
TRIGGERS = {"INF_START", "INF_STOP", "INF_VI_CLEAR"}
QUESTIONS = {
    "INF", "INST_SERIALNO", "COMMS_PROTOCOL", "COMMS_RESPONSE_MAX", "INF_RATE", "INF_VTBI", "INF_VI", "ALARM",
    "SYRINGE_STATUS", "INF_RATE_MAX_SYRINGE",
}
ESCAPE = b"\x1b"


def code_of(serial: str) -> str:
    """What takes control: the CRC of the serial number."""
    return f"{crc16_ccitt_false(serial.encode('ascii')):04X}"


@dataclass
class AlarisState:
    """What the pump holds. ``control_until``: until when it may be driven."""

    serial: str
    flow: Flow = field(default_factory=Flow)
    control_until: float = 0.0
    config_until: float = 0.0
    queries: bool = True
    bolus: bool = False
    alarm: str = "-"
    log: int = 17


class AlarisGH(SerialDevice):
    """The pump. Names of its effects: the first word of the command."""

    MIN_RATE = Decimal("0.1")

    def __init__(
        self, clockwork: Clockwork, link: Link, serial: str = "8003-00107", control_timeout: float = 5.0,
        baud: int = 38400, turnaround: float = 0.002,
    ) -> None:
        super().__init__(clockwork, link, AlarisState(serial), baud, turnaround)
        self.control_timeout = control_timeout
        self.lapse_stops = False
        self.stop_needs_control = True
        self.keys_end_control = False
        self.modes = {True: "SET", False: "SET"}
        self.max_rate = Decimal("1200.00")
        self.syringe = "BD PLASTIPAK^ 50^CONF"
        self.alarm_code = "AL_OCCL"

    @property
    def identity(self) -> str:
        """Its serial number."""
        return self.state.serial

    @identity.setter
    def identity(self, serial: str) -> None:
        self.state.serial = serial

    @property
    def controlled(self) -> bool:
        """Whether it can be driven now."""
        with self.clockwork.lock:
            return now() < self.state.control_until

    def cut(self) -> bytes | None:
        if ESCAPE in self.pending:
            aborted, self.pending = self.pending.rsplit(ESCAPE, 1)
            if b"\r" in aborted:  # whole messages before the abort are still messages
                whole, aborted = aborted.rsplit(b"\r", 1)
                self.pending = whole + b"\r" + self.pending
            if aborted:
                self.note(now(), aborted + ESCAPE, None)
        if b"\r" not in self.pending:
            return None
        raw, self.pending = self.pending.split(b"\r", 1)
        return raw + b"\r"

    def understand(self, raw: bytes) -> Order | None:
        start = raw.rfind(b"!")
        payload = raw[start + 1 : -6].decode("ascii", "replace")
        if start < 0 or not payload.isascii() or raw[start:] != frame(payload):
            return None
        name, *fields = payload.split("^")
        session = name in SESSION
        known = bool(fields) or name in QUESTIONS | TRIGGERS
        effect = session or name in TRIGGERS or bool(fields)
        return Order(name, self._argument(name, fields), effect, session, raw, tuple(fields)) if known else None

    @staticmethod
    def _argument(name: str, fields: list[str]) -> Decimal | str | None:
        """The number that was told, or else the fields as they came."""
        place = {"INF_RATE": 0, "INF_VTBI": 1}.get(name)
        if place is not None and len(fields) > place:
            return number(fields[place])
        return "^".join(fields) or None

    def advanced(self, at: float) -> None:
        lapse = self.state.control_until
        if self.lapse_stops and 0 < lapse <= at:
            self.flow.advance(lapse)
            self.flow.running = False
            self.state.control_until = 0.0
        self.flow.advance(at)

    def refuses(self, order: Order) -> bytes | None:
        return None if not order.effect or self._may(order) else b""

    def _may(self, order: Order) -> bool:
        state, flow, fields = self.state, self.flow, order.detail
        if order.name == "REMQUERY":
            return fields == ("DEACT",)
        if order.session:
            return fields == ("DISABLED",) or fields == ("ENABLED", code_of(state.serial))
        if order.name == "INF_STOP" and not self.stop_needs_control:
            return True
        if now() >= state.control_until:
            return False
        match order.name:
            case "INF_RATE":
                known = isinstance(order.argument, Decimal) and fields[1:] == ("ml/h",)
                return known and self.MIN_RATE <= order.argument <= self.max_rate
            case "INF_VTBI":
                active = fields[:1] == ("ACTIV",) and fields[2:] == ("ml", "STOP")
                return fields == ("DEACT",) or active and isinstance(order.argument, Decimal) and order.argument > 0
            case "INF_START":
                return state.alarm == "-" and flow.rate > 0 and flow.left != 0
        return order.name in TRIGGERS or (order.name, *fields) == ("INF_BOLUS", "ENABLED")

    def obey(self, order: Order) -> bool:
        state, flow = self.state, self.flow
        match order.name, order.detail:
            case "REMOTE_CTRL", ("DISABLED",):
                state.control_until = 0.0
            case "REMOTE_CTRL", _:
                state.control_until = now() + self.control_timeout
            case "REMOTE_CFG", fields:
                state.config_until = 0.0 if fields == ("DISABLED",) else now() + self.control_timeout
            case "REMQUERY", _:
                state.queries = False
            case "INF_RATE", _:
                flow.rate = order.argument
            case "INF_VTBI", ("DEACT",):
                flow.left = None
            case "INF_VTBI", _:
                flow.left = float(order.argument)
            case "INF_VI_CLEAR", _:
                flow.delivered = 0.0
            case "INF_BOLUS", _:
                state.bolus = True
            case "INF_START", _:
                flow.running = True
            case "INF_STOP", _:
                flow.running = False
        state.log += 1
        return True

    def answer(self, order: Order) -> bytes:
        return frame(self._said(order))

    def _said(self, order: Order) -> str:
        state, flow = self.state, self.flow
        match order.name:
            case "REMOTE_CTRL" | "REMOTE_CFG" if order.detail[0] == "ENABLED":
                return f"{order.name}^ENABLED^****^PERMIT^0^ms"
            case "REMQUERY":
                return "REMQUERY^DEACT^^^"
            case "INF_RATE":
                return f"INF_RATE^{flow.rate:.2f}^ml/h"
            case "INF_VTBI":
                return "INF_VTBI^DEACT" if flow.left is None else f"INF_VTBI^ACTIV^{flow.left:.3f}^ml^STOP"
            case "INF_VI":
                return f"INF_VI^{flow.delivered:.3f}^ml"
            case "INF":
                return (
                    f"INF^{state.serial}^{state.alarm}^{self.modes[flow.running]}^{flow.rate:.2f}^ml/h^"
                    f"^{flow.delivered:.3f}^ml^17.91^mmHg^{self._time_left()}^EVENT^{state.log}"
                )
        told = {
            "INST_SERIALNO": state.serial, "COMMS_PROTOCOL": "Asena Rev 2.1.5", "COMMS_RESPONSE_MAX": "4000^ms",
            "SYRINGE_STATUS": self.syringe, "INF_RATE_MAX_SYRINGE": f"{self.max_rate:.2f}^ml/h",
            "ALARM": f"{'AL_NOALM' if state.alarm == '-' else state.alarm}^ ^ ",
        }.get(order.name)
        return "^".join([order.name, *([told] if told is not None else order.detail)])

    def _time_left(self) -> str:
        seconds = self.flow.seconds_left()
        if seconds is None or seconds >= 86400:
            return "24+"
        return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}"

    def refusal(self, order: Order) -> bytes:
        return b"!" + order.name.encode() + ESCAPE

    def alarm_answer(self, order: Order) -> bytes:
        return frame(f"ALARM^{self.state.alarm}^ ^ ")

    def raise_alarm(self, code: str | None = None) -> None:
        with self.clockwork.lock:
            self.advanced(now())
            self.state.alarm = code or self.alarm_code
            self.flow.running = False

    def clear_alarm(self) -> None:
        """Somebody clears it at the keys."""
        with self.clockwork.lock:
            self.state.alarm = "-"

    def lose_control(self) -> None:
        with self.clockwork.lock:
            if self.lapse_stops:
                self.flow.running = False
            self.state.control_until = self.state.config_until = 0.0

    def lose_power(self) -> None:
        super().lose_power()
        self.state.control_until = self.state.config_until = 0.0
        self.state.bolus = False

    def forget(self) -> None:
        self.flow.rate, self.flow.delivered, self.flow.left = Decimal(0), 0.0, None

    def key(self, key, value) -> None:
        super().key(key, value)
        if self.keys_end_control:
            self.lose_control()
