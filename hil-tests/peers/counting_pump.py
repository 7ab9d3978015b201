"""An Asena pump whose replies count: late, doubled, echoed, swapped, unplugged, and every
value says which request it answers.

The n-th request is answered with a rate of n mod 1000 ml/h, a volume of n hundredths of a millilitre, and a syringe
called ``Sn``. So a value that belongs to another request is known.
"""

from __future__ import annotations

from collections.abc import Callable

from . import alaris
from .alaris import AlarisPump, Infusion
from .clockwork import Clockwork, now
from .links import Link
from .registers import Asked, Fault, Sending, honest


def numbered(infusion: Infusion, number: int) -> Infusion:
    """What the display says at the request of this number."""
    return Infusion(
        serial=infusion.serial, alarm=infusion.alarm, mode=infusion.mode, rate=f"{number % 1000}.00",
        volume=f"{number / 100:.2f}", pressure=infusion.pressure, syringe=f"S{number}^ 50^CONF",
        log_number=number % 100,
    )


def number_told(line: dict) -> tuple[int, int] | None:
    """By a journalled sample of such a pump: the request's number, and modulo what;
    nothing where the metric does not count.
    """
    value = line["value"]
    match line["metric"]:
        case "MDC_VOL_FLUID_DELIV_TOTAL":
            return round(value * 100), 1 << 60
        case "MDC_FLOW_FLUID_PUMP_CURRENT":
            return round(value), 1000
        case "NABD_SYRINGE":
            return int(value.removeprefix("S")), 1 << 60
    return None


class CountingPump:
    """The pump on a line. ``fault`` as of a Modbus unit; ``echo`` as of a bus;
    the infusion's serial may be changed at any time.
    """

    def __init__(
        self, clockwork: Clockwork, link: Link, serial: str = "8003-00107", baud: int = 38400,
        turnaround: float = 0.002, busy: str = "queue",
    ) -> None:
        self.clockwork = clockwork
        self.link = link
        self.infusion = Infusion(serial=serial)
        self.byte_time = 10 / baud
        self.turnaround = turnaround
        self.busy = busy
        self.fault: Fault = honest
        self.echo: Callable[[int], bool] | None = None
        self.asked: list[Asked] = []
        self.requests: list[str] = []
        self.strays: list[bytes] = []
        self.busy_until = 0.0
        self._chunks = 0
        self._pending = b""
        clockwork.add(self)

    @property
    def effects(self) -> list[str]:
        """Requests that are not plain queries; there must be none."""
        return [request for request in self.requests if request not in alaris.QUERIES]

    def fileno(self) -> int:
        return self.link.fileno()

    def ready(self, at: float) -> None:
        data = self.link.read()
        self._chunks += bool(data)
        if data and self.echo is not None and self.echo(self._chunks):
            self.link.write(data)
        self._pending += data
        while b"\r" in self._pending:
            message, self._pending = self._pending.split(b"\r", 1)
            payload = AlarisPump._payload(message)
            if payload is None:
                self.strays.append(message)
            else:
                self._answer(payload, message, at)

    def _answer(self, payload: str, message: bytes, at: float) -> None:
        self.requests.append(payload)
        asked = Asked(at, 0, 0, 0, 0, len(self.asked) + 1, message)
        self.asked.append(asked)
        if at < self.busy_until and self.busy == "drop":
            asked.dropped = True
            return
        infusion = numbered(self.infusion, asked.number)
        answer = infusion.status() if payload == "INF" else self._other(infusion, payload)
        asked.reply = alaris.frame(answer) if answer else b""
        asked.said = self.fault(asked)
        wire = 0.0 if self.link.wire_paces else self.byte_time
        begin = max(now() + len(message) * wire, self.busy_until) + self.turnaround
        for sending in asked.said:
            end = self.clockwork.send(sending.data, begin + sending.after, self.link.write, wire, sending.gap)
            if sending.busy:
                self.busy_until = max(self.busy_until, end)

    @staticmethod
    def _other(infusion: Infusion, payload: str) -> str | None:
        answers = {
            "INST_SERIALNO": f"INST_SERIALNO^{infusion.serial}",
            "SYRINGE_STATUS": f"SYRINGE_STATUS^{infusion.syringe}",
            "INF_VTBI": "INF_VTBI^DEACT",
            "COMMS_PROTOCOL": "COMMS_PROTOCOL^Asena Rev 2.1.5",
        }
        return answers.get(payload)

    def unplug(self) -> None:
        """Pull the adapter out."""
        with self.clockwork.lock:
            self.link.unplug()
            self._pending = b""

    def replug(self, **names) -> None:
        """Plug it back in, perhaps under another name."""
        with self.clockwork.lock:
            self.link.replug(**names)

    def stop(self) -> None:
        """Take it off the clockwork."""
        self.clockwork.remove(self)
        self.link.close()


def wrong_crc(asked: Asked) -> list[Sending]:
    """The last digit of the CRC another one."""
    reply = asked.reply
    return [Sending(reply[:-2] + (b"0" if reply[-2:-1] != b"0" else b"1") + b"\r")] if reply else []
