"""An Alaris Asena GH syringe pump that answers queries and remembers every request.

Frame: ``!`` payload ``|`` four upper-case hex digits of CRC-16/CCITT-FALSE over the payload, carriage return.
It answers a command that would change the delivery like a pump with remote control disabled: with silence. The test
looks at ``effects``, which must stay empty: the host only watches.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .device import ThreadedDevice
from .terminal import Cable

QUERIES = {
    "INF", "INST_SERIALNO", "SYRINGE_STATUS", "INF_VTBI", "INF_RATE_MAX_SYRINGE", "ALARM", "COMMS_PROTOCOL",
}
SECONDS_PER_BYTE = 10 / 38400


def crc16_ccitt_false(data: bytes) -> int:
    """Polynomial 0x1021, initial value 0xFFFF, not reflected, no final xor."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else (crc << 1) & 0xFFFF
    return crc


def frame(payload: str) -> bytes:
    """A payload as it goes over the line."""
    data = payload.encode("ascii")
    return b"!" + data + b"|%04X\r" % crc16_ccitt_false(data)


@dataclass
class Infusion:
    """What the pump's display says; plain text where the protocol carries text."""

    serial: str = "8003-00107"
    alarm: str = "-"
    mode: str = "SET"
    rate: str = "12.50"
    volume: str = "3.40"
    pressure: str = "45"
    syringe: str = "BD PLASTIPAK^ 50^CONF"
    log_number: int = field(default=17)

    def status(self) -> str:
        """The payload of the answer to INF."""
        return (
            f"INF^{self.serial}^{self.alarm}^{self.mode}^{self.rate}^ml/h^^{self.volume}^ml^{self.pressure}^mmHg"
            f"^24+^EVENT^{self.log_number}"
        )


class AlarisPump(ThreadedDevice):
    """The responder. ``infusion`` may be changed at any time; ``silent`` and ``bad_crc`` make it misbehave."""

    def __init__(self, infusion: Infusion | None = None, silent: bool = False, bad_crc: bool = False) -> None:
        super().__init__()
        self.cable = Cable()
        self.infusion = infusion or Infusion()
        self.silent = silent
        self.bad_crc = bad_crc
        self.requests: list[str] = []
        self.damaged_requests: list[bytes] = []

    @property
    def line(self) -> str:
        """The path the host opens."""
        return self.cable.path

    @property
    def effects(self) -> list[str]:
        """Requests that are not plain queries; a host that only watches sends none."""
        return [request for request in self.requests if request not in QUERIES]

    def play(self) -> None:
        pending = b""
        while not self._ending.is_set():
            pending += self.cable.read(0.1)
            while b"\r" in pending:
                message, pending = pending.split(b"\r", 1)
                self._handle(message)

    def _handle(self, message: bytes) -> None:
        payload = self._payload(message)
        if payload is None:
            self.damaged_requests.append(message)
            return
        self.requests.append(payload)
        answer = self.answer(payload)
        if answer is None or self.silent:
            return
        reply = frame(answer)
        if self.bad_crc:
            last = reply[-2:-1]
            reply = reply[:-2] + (b"0" if last != b"0" else b"1") + b"\r"
        time.sleep(len(reply) * SECONDS_PER_BYTE)
        self.cable.write(reply)

    @staticmethod
    def _payload(message: bytes) -> str | None:
        start = message.rfind(b"!")
        if start < 0 or message[-5:-4] != b"|":
            return None
        data = message[start + 1 : -5]
        if message[-4:] != b"%04X" % crc16_ccitt_false(data):
            return None
        return data.decode("ascii", "replace")

    def answer(self, payload: str) -> str | None:
        """The payload of the reply to a query; nothing for anything else."""
        answers = {
            "INF": self.infusion.status(),
            "INST_SERIALNO": f"INST_SERIALNO^{self.infusion.serial}",
            "SYRINGE_STATUS": f"SYRINGE_STATUS^{self.infusion.syringe}",
            "INF_VTBI": "INF_VTBI^DEACT",
            "INF_RATE_MAX_SYRINGE": "INF_RATE_MAX_SYRINGE^1200.00^ml/h",
            "ALARM": "ALARM^AL_NOALM^ ^ " if self.infusion.alarm == "-" else f"ALARM^{self.infusion.alarm}^ ^ ",
            "COMMS_PROTOCOL": "COMMS_PROTOCOL^Asena Rev 2.1.5",
        }
        return answers.get(payload)

    def stop(self) -> None:
        super().stop()
        self.cable.close()
